import { erasedDigest, erasedMark } from "../storage/erased-ids.ts";

/** Rows that are deleted in one statement: a statement of D1 has 30 seconds, and holds up all others. */
const ROWS_AT_ONCE = 500;

/** Tables of D1 whose rows of an account are deleted, by the column that is their key, and what says whose they are, where that is not `account_id`. */
const TABLES: readonly (readonly [table: string, key: string, of?: string])[] = [
  // What could not be read has no account to be found by; it is for a person to look at.
  ["dead_messages", "id", "iif(json_valid(body), json_extract(body, '$.account'), NULL)"],
  ["usage", "id"],
  ["refusals", "id"],
  ["answers", "id"],
  ["batches", "id"],
  ["upload_tokens", "id"],
  ["replays", "id"],
  ["account_standings", "account_id"],
  ["webhook_backlogs", "account_id"],
  ["sign_in_codes", "code_sha256"],
  ["sessions", "id"],
];

/** What D1 has of one account. */
export class AccountRows {
  readonly #db: D1Database;
  readonly #account: string;

  constructor(db: D1Database, account: string) {
    this.#db = db;
    this.#account = account;
  }

  /** Lets nobody in any more, and nothing that comes late be copied. Everything of it may be repeated. */
  async close(now: number): Promise<void> {
    const account = this.#account;
    const revoke = "UPDATE keys SET revoked_at = ?2 WHERE account_id = ?1 AND revoked_at IS NULL";
    await this.#db.batch([
      this.#db.prepare(revoke).bind(account, now),
      this.#db.prepare("DELETE FROM sessions WHERE account_id = ?").bind(account),
      this.#db.prepare("DELETE FROM sign_in_codes WHERE account_id = ?").bind(account),
      this.#db.prepare("INSERT OR IGNORE INTO erasing (account_id) VALUES (?)").bind(account),
      await erasedMark(this.#db, account, null),
    ]);
  }

  /** Batches of the account that are still listed. */
  async batches(count: number): Promise<readonly string[]> {
    return await this.#ids("SELECT id FROM batches WHERE account_id = ? LIMIT ?", count);
  }

  async forgetBatch(id: string): Promise<void> {
    await this.#db.prepare("DELETE FROM batches WHERE id = ?").bind(id).run();
  }

  /** Answers of versions that gave each an object of its own: their ids say in no object they share. */
  async lonelyAnswers(count: number): Promise<readonly string[]> {
    const query =
      "SELECT id FROM answers WHERE account_id = ? AND substr(id, 5, 1) IN ('0', '1') LIMIT ?";
    return await this.#ids(query, count);
  }

  async forgetAnswer(id: string): Promise<void> {
    await this.#db.prepare("DELETE FROM answers WHERE id = ?").bind(id).run();
  }

  /** Deletes some rows; how many, 0 once there are none. */
  async delete(): Promise<number> {
    for (const [table, key, of = "account_id"] of TABLES) {
      const { results } = await this.#db
        .prepare(
          `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${of} = ? LIMIT ?)
             RETURNING 1`,
        )
        .bind(this.#account, ROWS_AT_ONCE)
        .all();
      if (results.length > 0) return results.length;
    }
    return 0;
  }

  /** Leaves the account's row under its pseudonym, for whoever reads its books, with the payments that they speak of. May be repeated. */
  async rename(pseudonym: string): Promise<void> {
    const account = this.#account;
    const renamed = `INSERT OR IGNORE INTO accounts (id, name, limits, created_at)
      SELECT ?2, 'erased', limits, created_at FROM accounts WHERE id = ?1`;
    const statements = [
      renamed,
      "UPDATE payments SET account_id = ?2 WHERE account_id = ?1",
      "UPDATE payment_events SET account_id = ?2 WHERE account_id = ?1",
    ].map((statement) => this.#db.prepare(statement).bind(account, pseudonym));
    const deletions = [
      "DELETE FROM keys WHERE account_id = ?",
      "DELETE FROM accounts WHERE id = ?",
      "DELETE FROM erasing WHERE account_id = ?",
    ].map((statement) => this.#db.prepare(statement).bind(account));
    await this.#db.batch([...statements, ...deletions]);
  }

  async #ids(query: string, count: number): Promise<readonly string[]> {
    const { results } = await this.#db
      .prepare(query)
      .bind(this.#account, count)
      .all<{ id: string }>();
    return results.map(({ id }) => id);
  }
}

/** Whether an id was an account's that was erased: nothing is to be begun under it again. */
export async function isErasedId(db: D1Database, id: string): Promise<boolean> {
  const digest = await erasedDigest(id);
  const row = await db.prepare("SELECT 1 FROM erased WHERE id_sha256 = ?").bind(digest).first();
  return row !== null;
}
