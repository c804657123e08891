import { membersOf, type StoredJson, storedJson, unchanged } from "../../storage/stored-json.ts";
import { type Checkpoint, storedCheckpoint } from "../formats.ts";

/** How far the backups have come with a ledger. Times are milliseconds since 1970. */
export interface LedgerProgress {
  readonly accountId: string;
  readonly checkpoint: Checkpoint | null;
  /** Of what was last written as a cut: an equal one is not written again. */
  readonly restSha256: string | null;
}

/** The table in D1 that says how far the backups have come with each ledger. */
export class LedgerExports {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Takes in accounts that it has not heard of, `count` at most. */
  async takeIn(count: number, now: number): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO ledger_exports (account_id, changed_at)
           SELECT id, ?2 FROM accounts WHERE id NOT IN (SELECT account_id FROM ledger_exports) LIMIT ?1
           ON CONFLICT (account_id) DO NOTHING`,
      )
      .bind(count, now)
      .run();
  }

  /**
   * Those whose ledgers have moved, the longest untried first, so that one that fails keeps nobody waiting; and behind them some that
   * have not been looked at for longest: not every entry of a ledger is told of.
   */
  async due(moved: number, others: number): Promise<readonly string[]> {
    const [due, old] = await this.#db.batch<{ account_id: string }>([
      this.#db
        .prepare(
          "SELECT account_id FROM ledger_exports WHERE changed_at >= exported_at ORDER BY tried_at LIMIT ?",
        )
        .bind(moved),
      this.#db
        .prepare("SELECT account_id FROM ledger_exports ORDER BY exported_at LIMIT ?")
        .bind(others),
    ]);
    const rows = [...(due?.results ?? []), ...(old?.results ?? [])];
    return [...new Set(rows.map(({ account_id }) => account_id))];
  }

  /** Says that an export begins, and tells how far the last one came. */
  async begin(accountId: string, now: number): Promise<LedgerProgress> {
    const row = await this.#db
      .prepare(
        "UPDATE ledger_exports SET tried_at = ? WHERE account_id = ? RETURNING account_id, checkpoint",
      )
      .bind(now, accountId)
      .first<Row>();
    return progressOf(accountId, row?.checkpoint ?? null);
  }

  /** Keeps how far an export came. `exportedAt`: when the ledger was read to its end; null where it was not. */
  async keep(
    { accountId, checkpoint, restSha256 }: LedgerProgress,
    exportedAt: number | null,
  ): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO ledger_exports (account_id, changed_at, exported_at, checkpoint)
           VALUES (?1, coalesce(?2, 0), coalesce(?2, 0), ?3)
           ON CONFLICT (account_id) DO UPDATE
           SET exported_at = max(exported_at, excluded.exported_at), checkpoint = excluded.checkpoint`,
      )
      .bind(accountId, exportedAt, storedProgress.write({ checkpoint, restSha256 }))
      .run();
  }

  /** The ledger whose lines in the bucket have not been booked again for longest; undefined where there is none. */
  async longestUnchecked(): Promise<string | undefined> {
    const row = await this.#db
      .prepare(
        "SELECT account_id FROM ledger_exports WHERE checkpoint IS NOT NULL ORDER BY checked_at LIMIT 1",
      )
      .first<{ account_id: string }>();
    return row?.account_id;
  }

  async checked(accountId: string, now: number): Promise<void> {
    await this.#db
      .prepare("UPDATE ledger_exports SET checked_at = ? WHERE account_id = ?")
      .bind(now, accountId)
      .run();
  }

  async find(accountId: string): Promise<LedgerProgress | undefined> {
    const row = await this.#db
      .prepare("SELECT account_id, checkpoint FROM ledger_exports WHERE account_id = ?")
      .bind(accountId)
      .first<Row>();
    return row === null ? undefined : progressOf(accountId, row.checkpoint);
  }
}

interface Row {
  readonly account_id: string;
  readonly checkpoint: string | null;
}

type StoredProgress = Omit<LedgerProgress, "accountId">;

const storedProgress: StoredJson<StoredProgress> = storedJson({
  name: "the progress of a ledger's backup",
  is: membersOf<StoredProgress>({
    checkpoint: ["object", "null"],
    restSha256: ["string", "null"],
  }),
  upgrades: [unchanged],
});

function progressOf(accountId: string, text: string | null): LedgerProgress {
  if (text === null) return { accountId, checkpoint: null, restSha256: null };
  const { checkpoint, restSha256 } = storedProgress.read(text);
  // Its own reader looks at every member.
  const checked =
    checkpoint === null ? null : storedCheckpoint.read(storedCheckpoint.write(checkpoint));
  return { accountId, checkpoint: checked, restSha256 };
}
