import type { RefusalRow } from "#wire/api/accounts/refusals.ts";
import type { RefusalEvent } from "#wire/function/usage-event.ts";

/** A row's place in the order in which refusals are listed. */
export type RefusalPlace = readonly [day: string, key: string, code: string];

/** Which refusals are asked for; days are `YYYY-MM-DD`, both included. */
export interface RefusalFilter {
  readonly accountId: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly key?: string | undefined;
  readonly code?: string | undefined;
}

/** How often keys were refused, in D1. */
export class RefusalIndex {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Statements that add counts; those that stand there already change nothing. */
  copies(events: readonly RefusalEvent[]): readonly D1PreparedStatement[] {
    const insert = this.#db.prepare(
      `INSERT INTO refusals (id, account_id, key_id, day, code, count) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    );
    return events.map(({ id, account, key, code, count, at }) =>
      insert.bind(id, account, key, new Date(at).toISOString().slice(0, 10), code, count),
    );
  }

  /** Sums refusals by day, key and code, latest day first. */
  async list(
    { accountId, from = "0000-01-01", to = "9999-12-31", key, code }: RefusalFilter,
    after: RefusalPlace | undefined,
    count: number,
  ): Promise<RefusalRow[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT day, key_id AS key, code, SUM(count) AS count FROM refusals
         WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 AND (?4 IS NULL OR key_id = ?4) AND (?5 IS NULL OR code = ?5)
           AND (day < ?6 OR (day = ?6 AND (key_id, code) > (?7, ?8)))
         GROUP BY day, key_id, code
         ORDER BY day DESC, key_id, code LIMIT ?9`,
      )
      .bind(
        ...[accountId, from, to, key ?? null, code ?? null],
        ...(after ?? ["9999-12-32", "", ""]),
        count,
      )
      .all<RefusalRow>();
    return results;
  }
}
