import { StoredJsonError } from "../../storage/stored-json.ts";
import { read } from "../bucket.ts";
import { erasedName } from "../forgetting.ts";
import { type Manifest, type Part, type PartPlace, storedPart } from "../formats.ts";
import type { BackupFault } from "../ledgers/check-book.ts";
import { names } from "../names.ts";
import { type SnapshotTable, snapshotTables } from "../tables/tables.ts";

/** Threat: a text that D1 takes no longer. A value may have 2 MB; a row of a table some 200 bytes. */
const ROWS_AT_ONCE = 500;

/** A part of a snapshot, and its table. */
export interface PartOfTable {
  readonly table: SnapshotTable;
  readonly part: PartPlace;
}

/** The parts of a snapshot in the order in which they are restored. */
export function partsInOrder(manifest: Manifest): readonly PartOfTable[] {
  return snapshotTables.flatMap((table) =>
    (manifest.tables.find(({ name }) => name === table.name)?.parts ?? []).map((part) => ({
      table,
      part,
    })),
  );
}

/** Accounts that were erased, whatever a snapshot of before says. */
export class ErasedAccounts {
  readonly #names: ReadonlySet<string>;
  readonly #known = new Map<string, boolean>();

  private constructor(erased: ReadonlySet<string>) {
    this.#names = erased;
  }

  static async read(bucket: R2Bucket): Promise<ErasedAccounts> {
    const erased = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await bucket.list({
        prefix: names.allErased,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { key } of page.objects) erased.add(key);
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
    return new ErasedAccounts(erased);
  }

  async has(accountId: string): Promise<boolean> {
    if (this.#names.size === 0) return false;
    const known = this.#known.get(accountId);
    if (known !== undefined) return known;
    const is = this.#names.has(names.erased(await erasedName(accountId)));
    this.#known.set(accountId, is);
    return is;
  }
}

/** Writes the rows of a part that are not there, but those of erased accounts. Returns how many it wrote, or what is wrong with the part. */
export async function restorePart(
  {
    bucket,
    db,
    erased,
  }: { readonly bucket: R2Bucket; readonly db: D1Database; readonly erased: ErasedAccounts },
  { table, part: place }: PartOfTable,
): Promise<number | BackupFault> {
  const object = await read(bucket, place.name);
  if (object === undefined) return { name: place.name, fault: "missing" };
  const part = object.sha256 === place.sha256 ? readPart(object.text) : undefined;
  if (part === undefined || part.table !== table.name)
    return { name: place.name, fault: "altered" };
  const rows = await withoutErased(part, table, erased);
  const statement = db.prepare(insertOf(table, part.columns));
  let written = 0;
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    const some = JSON.stringify(rows.slice(start, start + ROWS_AT_ONCE));
    written += (await statement.bind(some).run()).results.length;
  }
  return written;
}

function readPart(text: string): Part | undefined {
  try {
    return storedPart.read(text);
  } catch (cause) {
    if (cause instanceof StoredJsonError) return undefined;
    throw cause;
  }
}

async function withoutErased(
  { columns, rows }: Part,
  { account }: SnapshotTable,
  erased: ErasedAccounts,
): Promise<Part["rows"]> {
  const [name = "", member] = account.split(".");
  const column = columns.indexOf(name);
  const kept: Part["rows"][number][] = [];
  for (const row of rows) {
    const owner = member === undefined ? row[column] : memberOf(row[column], member);
    if (typeof owner !== "string" || !(await erased.has(owner))) kept.push(row);
  }
  return kept;
}

function memberOf(text: unknown, member: string): unknown {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)[member]
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Columns that a newer schema has added take their defaults. Usage of what a ledger was charged after the point that it was restored to
 * is left out: the account got that money back. Returns a row for each that it writes: what D1 counts as changes has those of triggers in it.
 */
function insertOf({ name, account }: SnapshotTable, columns: readonly string[]): string {
  const safe = columns.filter((column) => /^[a-z_0-9]+$/.test(column));
  const value = (column: string): string =>
    `json_extract(row.value, '$[${columns.indexOf(column)}]')`;
  const select = `INSERT INTO ${name} (${safe.join(", ")}) SELECT ${safe.map(value).join(", ")} FROM json_each(?1) AS row`;
  const onlyCharged =
    name === "usage"
      ? `WHERE ${value("at")} <= coalesce(
           (SELECT exported_at FROM ledger_exports WHERE account_id = ${value(account)}), ${Number.MAX_SAFE_INTEGER})`
      : "WHERE true";
  return `${select} ${onlyCharged} ON CONFLICT DO NOTHING RETURNING 1`;
}
