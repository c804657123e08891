import { type Dirent, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { databasesOf } from "../local-edge.ts";

/** What a process takes of the machine. */
export interface Taken {
  readonly rssBytes: number;
  readonly handles: number;
}

export function takenBy(pid: number): Taken {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { rssBytes: kib * 1024, handles: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * Bytes of JavaScript that workerd keeps behind each of its full collections, oldest first, of the isolate that had most of them: a
 * process's memory has SQLite's pages and the allocator's in it, which grow with what is stored. Read from V8's own log
 * (`--trace-gc`).
 */
export function heapsIn(log: string): readonly number[] {
  const collections = [...log.matchAll(/:(0x[0-9a-f]+)\] .*Mark-Compact .* -> ([0-9.]+) \(/g)];
  const byIsolate = Map.groupBy(collections, ([, isolate]) => isolate);
  const most = [...byIsolate.values()].toSorted((one, other) => other.length - one.length)[0];
  return (most ?? []).map(([, , mib]) => Number(mib) * 2 ** 20);
}

/** Rows by table, `Class.table` or `D1.table`, over all objects; and what of them is work that is not done. */
export interface Rows {
  readonly tables: Readonly<Record<string, number>>;
  readonly undone: Readonly<Record<string, number>>;
  /** Micro-dollars over all ledgers. */
  readonly money: Money;
}

export interface Money {
  /** Sum of the balances of each ledger, which is 0 where nothing came from nowhere. */
  readonly imbalance: number;
  readonly held: number;
  readonly revenue: number;
  /** What the entries say that the revenue is. */
  readonly revenueByEntries: number;
  /** Captured, and told to the list of usage. Where they differ the local queue is to blame, which a crash empties: it is in memory. */
  readonly captures: number;
}

/** Work that is to be 0 when nobody asks any more. */
const UNDONE: readonly (readonly [table: string, where: string])[] = [
  ["LedgerObject.holds", "state = 'open'"],
  ["LedgerObject.places", "1"],
  ["LedgerObject.outbox", "1"],
  ["AnswerObject.due", "at = 0"],
];

/** Counts the rows of all databases of an edge that does not run: what was written and not yet moved is read with them. */
export function countRows(folder: string): Rows {
  const tables: Record<string, number> = {};
  const undone: Record<string, number> = Object.fromEntries(UNDONE.map(([table]) => [table, 0]));
  const money = { imbalance: 0, held: 0, revenue: 0, revenueByEntries: 0, captures: 0 };
  for (const { owner, file } of databaseFiles(folder)) {
    using database = new DatabaseSync(file);
    const count = (from: string): number =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.["n"]);
    const names = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'")
      .all()
      .map(({ name }) => String(name));
    for (const name of names) {
      const table = `${owner}.${name}`;
      tables[table] = (tables[table] ?? 0) + count(`"${name}"`);
      const where = UNDONE.find(([one]) => one === table)?.[1];
      if (where !== undefined)
        undone[table] = (undone[table] ?? 0) + count(`"${name}" WHERE ${where}`);
    }
    if (names.includes("balances")) addMoney(database, money);
  }
  return { tables, undone, money };
}

function addMoney(
  database: DatabaseSync,
  money: { -readonly [Part in keyof Money]: number },
): void {
  const balances = database
    .prepare("SELECT issuer + available + held + revenue AS sum, held, revenue FROM balances")
    .get();
  const entries = database
    .prepare(
      `SELECT coalesce(sum(CASE WHEN target = 'revenue' THEN amount WHEN source = 'revenue' THEN -amount ELSE 0 END), 0)
         AS revenue, count(*) FILTER (WHERE kind = 'capture') AS captures FROM entries`,
    )
    .get();
  money.imbalance += Math.abs(Number(balances?.["sum"] ?? 0));
  money.held += Number(balances?.["held"] ?? 0);
  money.revenue += Number(balances?.["revenue"] ?? 0);
  money.revenueByEntries += Number(entries?.["revenue"] ?? 0);
  money.captures += Number(entries?.["captures"] ?? 0);
}

function* databaseFiles(folder: string): Generator<{ owner: string; file: string }> {
  const root = databasesOf(folder);
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const owner = ownerOf(entry);
    if (owner !== undefined) yield { owner, file: path.join(entry.parentPath, entry.name) };
  }
}

/** The class of an object, or D1; undefined for what is neither (the objects' alarms, the bucket's index). */
function ownerOf({ name, parentPath }: Dirent): string | undefined {
  if (!name.endsWith(".sqlite") || name === "metadata.sqlite") return undefined;
  const folder = path.basename(parentPath);
  if (folder.startsWith("unmask-")) return folder.slice("unmask-".length);
  return folder === "miniflare-D1DatabaseObject" ? "D1" : undefined;
}
