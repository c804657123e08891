import type { BatchBody } from "#wire/api/answers/batches.ts";
import type { Viewer } from "../keys/viewer.ts";
import { storedBatch } from "./storage/stored-batches.ts";

/** A batch's place in the order in which batches are listed: newest first. */
export type BatchPlace = readonly [createdAt: number, id: string];

/** A batch as the list knows it. */
export interface ListedBatch {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Null while it is being made: its object knows how it stands. */
  readonly body: BatchBody | null;
}

/** The list of batches of all accounts, in D1. The objects stay the truth. */
export class BatchIndex {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Lists a batch that has begun, once. `requestKey` finds it again for a repeated request. */
  async insert(
    batch: Viewer & { readonly id: string; readonly createdAt: number },
    requestKey: string | null,
  ): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO batches (id, account_id, owner, created_at, request_key) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(batch.id, batch.accountId, batch.owner, batch.createdAt, requestKey)
      .run();
  }

  /** Keeps how a batch ended. */
  async end(body: BatchBody): Promise<void> {
    await this.#db
      .prepare("UPDATE batches SET body = ? WHERE id = ?")
      .bind(storedBatch.write(body), body.id)
      .run();
  }

  /** Takes a batch that is not kept any more from the list. */
  async forget(id: string): Promise<void> {
    await this.#db.prepare("DELETE FROM batches WHERE id = ?").bind(id).run();
  }

  /** The latest batch that was made for a request. */
  async findByRequest(accountId: string, requestKey: string): Promise<string | null> {
    const row = await this.#db
      .prepare(
        `SELECT id FROM batches WHERE account_id = ? AND request_key = ?
         ORDER BY created_at DESC LIMIT 1`,
      )
      .bind(accountId, requestKey)
      .first<{ id: string }>();
    return row?.id ?? null;
  }

  /** Whether the viewer has a batch of this id. */
  async has(id: string, { accountId, owner }: Viewer): Promise<boolean> {
    const row = await this.#db
      .prepare(
        "SELECT id FROM batches WHERE id = ?1 AND account_id = ?2 AND (?3 IS NULL OR owner = ?3)",
      )
      .bind(id, accountId, owner)
      .first();
    return row !== null;
  }

  async list(
    { accountId, owner }: Viewer,
    after: BatchPlace | undefined,
    count: number,
  ): Promise<ListedBatch[]> {
    const [createdAt, id] = after ?? [Number.MAX_SAFE_INTEGER, ""];
    const { results } = await this.#db
      .prepare(
        `SELECT id, created_at, body FROM batches
         WHERE account_id = ?1 AND (created_at < ?2 OR (created_at = ?2 AND id > ?3))
           AND (?5 IS NULL OR owner = ?5)
         ORDER BY created_at DESC, id LIMIT ?4`,
      )
      .bind(accountId, createdAt, id, count, owner)
      .all<{ id: string; created_at: number; body: string | null }>();
    return results.map((row) => ({
      id: row.id,
      createdAt: row.created_at,
      body: row.body === null ? null : storedBatch.read(row.body),
    }));
  }
}
