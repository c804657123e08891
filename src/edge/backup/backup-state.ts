import { membersOf, type StoredJson, storedJson, unchanged } from "../storage/stored-json.ts";
import type { Checkpoint, Manifest, PartPlace } from "./formats.ts";

/** A snapshot of the tables that is under way. Times are milliseconds since 1970. */
export interface SnapshotUnderWay {
  readonly startedAt: number;
  /** Index of the table that is read, and its last `rowid` that was. */
  readonly table: number;
  readonly after: number;
  /** Parts of that table. */
  readonly parts: readonly PartPlace[];
  /** Tables that have been read whole. */
  readonly done: Manifest["tables"];
}

/** A ledger that is booked again from zero, run after run. */
export interface CheckUnderWay {
  readonly account: string;
  /** Name of the cut up to which. */
  readonly cut: string;
  /** How far it came; null before its first line. */
  readonly point: Checkpoint | null;
}

/** What came of the work so far. Times are milliseconds since 1970. */
export interface BackupRecord {
  readonly lastRunAt: number;
  /** When the snapshot was begun that was last completed; 0 where none was. */
  readonly lastTablesAt: number;
  /** Name of its manifest. */
  readonly lastManifest: string | null;
  readonly prunedAt: number;
  /** Parts that were read before are not taken over into a snapshot. */
  readonly freshFrom: number;
  /** Ledgers whose lines come to something else than they say, and objects that are not as they were written. Since ever. */
  readonly mismatches: number;
  /** Exports that came to nothing, and are tried again. Since ever. */
  readonly failures: number;
}

const NOTHING_YET: BackupRecord = {
  lastRunAt: 0,
  lastTablesAt: 0,
  lastManifest: null,
  prunedAt: 0,
  freshFrom: 0,
  mismatches: 0,
  failures: 0,
};

const kinds = {
  record: stored<BackupRecord>("the record of the backups", {
    lastRunAt: "number",
    lastTablesAt: "number",
    lastManifest: ["string", "null"],
    prunedAt: "number",
    freshFrom: "number",
    mismatches: "number",
    failures: "number",
  }),
  snapshot: stored<SnapshotUnderWay>("a snapshot under way", {
    startedAt: "number",
    table: "number",
    after: "number",
    parts: "array",
    done: "array",
  }),
  writer: stored<{ readonly id: string }>("who writes the backups", { id: "string" }),
  check: stored<CheckUnderWay>("a check under way", {
    account: "string",
    cut: "string",
    point: ["object", "null"],
  }),
};

/** Where the backups' work stands, in D1: what is lost here is begun anew. */
export class BackupState {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async record(): Promise<BackupRecord> {
    return (await this.#read("record", kinds.record)) ?? NOTHING_YET;
  }

  /** Changes what is named. One run at a time is the rule; of two at once the later writes over what the other said. */
  async note(change: Partial<BackupRecord>): Promise<void> {
    await this.#write("record", kinds.record.write({ ...(await this.record()), ...change }));
  }

  async snapshot(): Promise<SnapshotUnderWay | undefined> {
    return await this.#read("snapshot", kinds.snapshot);
  }

  async keepSnapshot(snapshot: SnapshotUnderWay | null): Promise<void> {
    if (snapshot === null) await this.#forget("snapshot");
    else await this.#write("snapshot", kinds.snapshot.write(snapshot));
  }

  async check(): Promise<CheckUnderWay | undefined> {
    return await this.#read("check", kinds.check);
  }

  async keepCheck(check: CheckUnderWay | null): Promise<void> {
    if (check === null) await this.#forget("check");
    else await this.#write("check", kinds.check.write(check));
  }

  /** By which the bucket knows this environment; undefined where it never wrote there. */
  async writer(): Promise<string | undefined> {
    return (await this.#read("writer", kinds.writer))?.id;
  }

  async keepWriter(id: string): Promise<void> {
    await this.#write("writer", kinds.writer.write({ id }));
  }

  async #read<Value>(name: string, kind: StoredJson<Value>): Promise<Value | undefined> {
    const row = await this.#db
      .prepare("SELECT value FROM backup_state WHERE name = ?")
      .bind(name)
      .first<{ value: string }>();
    return row === null ? undefined : kind.read(row.value);
  }

  async #write(name: string, value: string): Promise<void> {
    await this.#db
      .prepare(
        "INSERT INTO backup_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      )
      .bind(name, value)
      .run();
  }

  async #forget(name: string): Promise<void> {
    await this.#db.prepare("DELETE FROM backup_state WHERE name = ?").bind(name).run();
  }
}

function stored<Value extends object>(
  name: string,
  members: Parameters<typeof membersOf<Value>>[0],
): StoredJson<Value> {
  return storedJson({ name, is: membersOf<Value>(members), upgrades: [unchanged] });
}
