import type { AnswerBody, AnswerStatus } from "#wire/api/answers/responses.ts";
import type { ChargeEvent } from "#wire/function/usage-event.ts";
import type { Viewer } from "../../keys/viewer.ts";
import { erasedDigest, erasedMark } from "../../storage/erased-ids.ts";
import type { AnswerTerms } from "./answer-order.ts";
import { listedEnd } from "./listed-end.ts";

/** An answer's place in the order in which answers are listed: newest first. */
export type AnswerPlace = readonly [createdAt: number, id: string];

/** An answer as the list knows it. */
export interface ListedAnswer {
  readonly id: string;
  readonly keyId: string;
  readonly model: string;
  /** `running` from its start to its end. */
  readonly status: AnswerStatus;
  readonly chargedMicros: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly endedAt: number | null;
}

/** The list of answers of all accounts, in D1, seconds behind. The objects stay the truth. */
export class AnswerIndex {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Lists an answer that is being made, once. */
  async begin({ job, keyId, owner }: AnswerTerms): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO answers (id, account_id, key_id, owner, model, status, charged_micros, created_at)
         VALUES (?, ?, ?, ?, ?, 'running', 0, ?) ON CONFLICT (id) DO NOTHING`,
      )
      .bind(job.id, job.accountId, keyId, owner, job.card.id, job.createdAt)
      .run();
  }

  /** Keeps how an answer ended. */
  async end({ job, keyId: key, owner }: AnswerTerms, body: AnswerBody): Promise<void> {
    const listed = listedEnd(body);
    if (listed === null) return;
    const { id, accountId: account, card } = job;
    const micros = body.charged_micros;
    const ending = { id, account, key, model: card.id, micros, listed };
    await (await this.#ending(owner === null ? ending : { ...ending, owner })).run();
  }

  /** Statements that keep how answers ended, as their charges tell it; none of what is erased. */
  async ends(charges: readonly ChargeEvent[]): Promise<readonly D1PreparedStatement[]> {
    const endings = charges.flatMap(({ listed, ...charge }) =>
      listed === undefined ? [] : [this.#ending({ ...charge, listed })],
    );
    return await Promise.all(endings);
  }

  /** Takes an answer that is not kept any more from the list, for good; `until`: when nothing can list it again, null where nothing would. */
  async forget(answerId: string, until: number | null): Promise<void> {
    const forget = this.#db.prepare("DELETE FROM answers WHERE id = ?").bind(answerId);
    const erased = until === null ? [] : [await erasedMark(this.#db, answerId, until)];
    await this.#db.batch([...erased, forget]);
  }

  async #ending(ending: Ending): Promise<D1PreparedStatement> {
    const { id, account, key, model, micros, owner = null, listed } = ending;
    const { status, created_at, ended_at, fields } = listed;
    const marks = await Promise.all([id, account].map(erasedDigest));
    return this.#db
      .prepare(
        `INSERT INTO answers (id, account_id, key_id, model, status, charged_micros, created_at, ended_at, owner, fields)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
         WHERE NOT EXISTS (SELECT 1 FROM erased WHERE id_sha256 IN (?11, ?12))
         ON CONFLICT (id) DO UPDATE SET status = ?5, charged_micros = ?6, ended_at = ?8, fields = ?10`,
      )
      .bind(
        ...[id, account, key, model, status, micros, created_at, ended_at, owner],
        ...[fields === undefined ? null : JSON.stringify(fields), ...marks],
      );
  }

  /** Lists what the viewer may see. */
  async list(
    { accountId, owner }: Viewer,
    query: { readonly status: AnswerStatus | undefined; readonly after: AnswerPlace | undefined },
    count: number,
  ): Promise<ListedAnswer[]> {
    const [createdAt, id] = query.after ?? [Number.MAX_SAFE_INTEGER, ""];
    const { results } = await this.#db
      .prepare(
        `SELECT * FROM answers
         WHERE account_id = ?1 AND (created_at < ?2 OR (created_at = ?2 AND id > ?3))
           AND (?4 IS NULL OR status = ?4) AND (?6 IS NULL OR owner = ?6)
         ORDER BY created_at DESC, id LIMIT ?5`,
      )
      .bind(accountId, createdAt, id, query.status ?? null, count, owner)
      .all<Row>();
    return results.map((row) => ({
      id: row.id,
      keyId: row.key_id,
      model: row.model,
      status: row.status,
      chargedMicros: row.charged_micros,
      createdAt: row.created_at,
      endedAt: row.ended_at,
    }));
  }
}

type Ending = Pick<ChargeEvent, "id" | "account" | "key" | "model" | "micros" | "owner"> &
  Required<Pick<ChargeEvent, "listed">>;

interface Row {
  readonly id: string;
  readonly key_id: string;
  readonly model: string;
  readonly status: AnswerStatus;
  readonly charged_micros: number;
  readonly created_at: number;
  readonly ended_at: number | null;
}
