import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { ClientToken } from "#wire/api/accounts/client-token.ts";

/** Expired rows that go with each new one: more than come, so that they never pile up. */
const ROWS_SWEPT = 10;

/** A Worker's clock may be late: a row outlives its token by this much, so that no token is good for a second upload. */
const CLOCK_MARGIN_MS = 3_600_000;

/** As rows in D1, so that all Workers see the same: which client tokens of one upload have had theirs. Times are milliseconds since 1970. */
export class UploadTokens {
  readonly #db: D1Database;
  readonly #now: () => number;

  constructor(db: D1Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Refuses a token whose picture is kept, before another is read. */
  async check({ id }: Pick<ClientToken, "id">): Promise<Result<void, Failure>> {
    const row = await this.#row(id).first<Row>();
    return row === null || row.kept_at === null ? ok(undefined) : used(row);
  }

  /**
   * Binds a token to its picture. Of two uploads at once the first is bound and the other refused; the same file may come
   * again until it is kept, so that an upload that a fault broke off is not lost with its token.
   */
  async bind(
    { id, expiresAt }: Pick<ClientToken, "id" | "expiresAt">,
    imageId: string,
    accountId: string | null = null,
  ): Promise<Result<void, Failure>> {
    const sweep = this.#db
      .prepare(
        "DELETE FROM upload_tokens WHERE id IN (SELECT id FROM upload_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
      )
      .bind(this.#now() - CLOCK_MARGIN_MS, ROWS_SWEPT);
    const insert = this.#db
      .prepare(
        "INSERT INTO upload_tokens (id, image_id, expires_at, account_id) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
      )
      .bind(id, imageId, expiresAt, accountId);
    const [, , found] = await this.#db.batch<Row>([sweep, insert, this.#row(id)]);
    const row = found?.results[0];
    if (row === undefined) throw new Error(`client token ${id} was not bound to its picture`);
    return row.image_id === imageId && row.kept_at === null ? ok(undefined) : used(row);
  }

  /** Notes that the picture is kept, from where on the token is good for nothing. Of two that kept the same file the second is refused. */
  async spend({ id }: Pick<ClientToken, "id">, imageId: string): Promise<Result<void, Failure>> {
    const { meta } = await this.#db
      .prepare(
        "UPDATE upload_tokens SET kept_at = ? WHERE id = ? AND image_id = ? AND kept_at IS NULL",
      )
      .bind(this.#now(), id, imageId)
      .run();
    return meta.changes === 1 ? ok(undefined) : used({ image_id: imageId });
  }

  /** Gives a token back whose picture was refused. */
  async release({ id }: Pick<ClientToken, "id">, imageId: string): Promise<void> {
    await this.#db
      .prepare("DELETE FROM upload_tokens WHERE id = ? AND image_id = ? AND kept_at IS NULL")
      .bind(id, imageId)
      .run();
  }

  #row(id: string): D1PreparedStatement {
    return this.#db.prepare("SELECT image_id, kept_at FROM upload_tokens WHERE id = ?").bind(id);
  }
}

interface Row {
  readonly image_id: string;
  readonly kept_at: number | null;
}

function used({ image_id: id }: Pick<Row, "image_id">): Result<never, Failure> {
  return refuse({ kind: "upload_token_used", id });
}
