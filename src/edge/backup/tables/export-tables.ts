import type { BackupState, SnapshotUnderWay } from "../backup-state.ts";
import { digestOf, putOver, read } from "../bucket.ts";
import {
  type Manifest,
  type Part,
  type PartPlace,
  storedManifest,
  storedPart,
} from "../formats.ts";
import { names } from "../names.ts";
import { type SnapshotTable, snapshotTables } from "./tables.ts";

/** Threat: rows that fill the isolate, or a query that D1 ends. A row takes some 200 bytes; 5,000 are a megabyte. */
const ROWS_OF_A_PART = 5_000;

/** Threat: a run that the platform ends. What is left of a snapshot is read by the next run. */
const PARTS_AT_ONCE = 40;

export interface SnapshotParts {
  readonly bucket: R2Bucket;
  readonly db: D1Database;
  readonly state: BackupState;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Tables in the order in which they are read: the other way round from a restore's. */
const inReadingOrder: readonly SnapshotTable[] = snapshotTables.toReversed();

/** Goes on with the snapshot that is under way, or begins one; says whether it is complete. */
export async function exportTables(parts: SnapshotParts): Promise<boolean> {
  const { state, now } = parts;
  const { lastManifest, freshFrom } = await state.record();
  const last = lastManifest === null ? undefined : await readManifest(parts.bucket, lastManifest);
  let under = (await state.snapshot()) ?? beginning(now(), freshFrom, last);
  for (let turn = 0; turn < PARTS_AT_ONCE; turn += 1) {
    const table = inReadingOrder[under.table];
    if (table === undefined) {
      await complete(parts, under);
      return true;
    }
    under = await readPart(parts, under, table, { last, freshFrom });
  }
  await state.keepSnapshot(under);
  return false;
}

/** Reads a snapshot's list of parts; undefined where there is none. */
export async function readManifest(bucket: R2Bucket, name: string): Promise<Manifest | undefined> {
  const object = await read(bucket, name);
  return object === undefined ? undefined : storedManifest.read(object.text);
}

interface Earlier {
  readonly last: Manifest | undefined;
  readonly freshFrom: number;
}

function beginning(now: number, freshFrom: number, last: Manifest | undefined): SnapshotUnderWay {
  return { startedAt: now, ...tableAt(0, { last, freshFrom }), done: [] };
}

/** Where reading a table begins: behind the full parts of the last snapshot where rows are only ever added. */
function tableAt(
  index: number,
  { last, freshFrom }: Earlier,
): Pick<SnapshotUnderWay, "table" | "after" | "parts"> {
  const table = inReadingOrder[index];
  const known =
    table?.isAppended === true
      ? (last?.tables.find(({ name }) => name === table.name)?.parts ?? [])
      : [];
  const end = known.findIndex(({ rows, readAt }) => rows < ROWS_OF_A_PART || readAt < freshFrom);
  const parts = end === -1 ? known : known.slice(0, end);
  return { table: index, after: parts.at(-1)?.last ?? 0, parts };
}

async function readPart(
  { bucket, db, now }: SnapshotParts,
  under: SnapshotUnderWay,
  { name }: SnapshotTable,
  earlier: Earlier,
): Promise<SnapshotUnderWay> {
  const { results } = await db
    .prepare(`SELECT rowid AS backup_rowid, * FROM ${name} WHERE rowid > ? ORDER BY rowid LIMIT ?`)
    .bind(under.after, ROWS_OF_A_PART)
    .all<Record<string, string | number | null>>();
  const [first] = results;
  let { parts } = under;
  let { after } = under;
  if (first !== undefined) {
    const columns = Object.keys(first).filter((column) => column !== "backup_rowid");
    const part: Part = {
      table: name,
      columns,
      rows: results.map((row) => columns.map((column) => row[column] ?? null)),
    };
    after = Number(results.at(-1)?.["backup_rowid"]);
    const text = storedPart.write(part);
    const index = parts.length;
    const place = { rows: results.length, last: after, readAt: now() };
    const before = earlier.last?.tables.find((table) => table.name === name)?.parts[index];
    const isAsBefore =
      before !== undefined &&
      before.readAt >= earlier.freshFrom &&
      before.sha256 === (await digestOf(text));
    parts = [
      ...parts,
      isAsBefore
        ? before
        : await writePart(bucket, names.part(under.startedAt, name, index), text, place),
    ];
  }
  if (results.length === ROWS_OF_A_PART) return { ...under, after, parts };
  const done = [...under.done, { name, parts }];
  return { startedAt: under.startedAt, done, ...tableAt(under.table + 1, earlier) };
}

async function writePart(
  bucket: R2Bucket,
  name: string,
  text: string,
  place: Omit<PartPlace, "name" | "sha256">,
): Promise<PartPlace> {
  return { name, sha256: await putOver(bucket, name, text), ...place };
}

async function complete(
  { bucket, state, now }: SnapshotParts,
  { startedAt, done }: SnapshotUnderWay,
): Promise<void> {
  const name = names.manifest(startedAt);
  const manifest: Manifest = { startedAt, endedAt: now(), tables: done };
  await putOver(bucket, name, storedManifest.write(manifest));
  await state.keepSnapshot(null);
  await state.note({ lastTablesAt: startedAt, lastManifest: name });
}
