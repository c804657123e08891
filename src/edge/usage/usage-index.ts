import { type Micros, micros } from "#domain/micros.ts";
import type { UsageRow } from "#wire/api/accounts/usage.ts";
import type { ChargeEvent, RefundEvent } from "#wire/function/usage-event.ts";

import type { Owner } from "../keys/viewer.ts";

/** A row's place in the order in which usage is listed. */
export type UsagePlace = readonly [day: string, key: string, model: string];

/** Which usage is asked for; days are `YYYY-MM-DD`, both included. */
export interface UsageFilter {
  readonly accountId: string;
  /** Whose usage alone; null for the whole account's. */
  readonly owner: Owner;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly key?: string | undefined;
  readonly model?: string | undefined;
}

/** The append-only copy of what was charged. */
export class UsageIndex {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Statements that copy charges; those that stand there already change nothing. */
  copies(events: readonly ChargeEvent[]): readonly D1PreparedStatement[] {
    const insert = this.#db.prepare(
      `INSERT INTO usage (id, account_id, key_id, model, day, at, steps, charged_micros, answers, owner)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    );
    return events.map((event) =>
      insert.bind(
        ...[event.id, event.account, event.key, event.model, dayOf(event.at), event.at],
        ...[event.steps, event.micros, event.answers ?? 1, event.owner ?? null],
      ),
    );
  }

  /** Lowers the usage of a charge's own day, once; says whether its charge has been copied yet, without which it cannot. */
  async lower({ id, account, refund_of, micros, at }: RefundEvent): Promise<boolean> {
    const insert = this.#db
      .prepare(
        `INSERT INTO usage (id, account_id, key_id, model, day, at, steps, charged_micros, answers, owner)
         SELECT ?1, account_id, key_id, model, day, ?2, 0, -?3, 0, owner FROM usage
           WHERE id = ?4 AND account_id = ?5
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(id, at, micros, refund_of, account);
    const look = this.#db.prepare("SELECT 1 FROM usage WHERE id = ?").bind(id);
    const [, found] = await this.#db.batch([insert, look]);
    return (found?.results.length ?? 0) > 0;
  }

  /** Sums what an account was charged on the day (UTC) of a moment and since, less what was given back. */
  async spentSince(accountId: string, at: number): Promise<Micros> {
    const row = await this.#db
      .prepare(
        "SELECT coalesce(sum(charged_micros), 0) AS spent FROM usage WHERE account_id = ? AND day >= ?",
      )
      .bind(accountId, dayOf(at))
      .first<{ spent: number }>();
    return micros(row?.spent ?? 0);
  }

  /** Sums usage by day, key and model, latest day first. */
  async list(
    filter: UsageFilter,
    after: UsagePlace | undefined,
    count: number,
  ): Promise<UsageRow[]> {
    const { accountId, owner, from = "0000-01-01", to = "9999-12-31", key, model } = filter;
    const [afterDay, afterKey, afterModel] = after ?? ["9999-12-32", "", ""];
    const { results } = await this.#db
      .prepare(
        `SELECT day, key_id AS key, model, SUM(answers) AS answers, SUM(steps) AS steps,
                SUM(charged_micros) AS charged_micros
         FROM usage
         WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 AND (?4 IS NULL OR key_id = ?4) AND (?5 IS NULL OR model = ?5)
           AND (?10 IS NULL OR owner = ?10)
           AND (day < ?6 OR (day = ?6 AND (key_id, model) > (?7, ?8)))
         GROUP BY day, key_id, model
         ORDER BY day DESC, key_id, model LIMIT ?9`,
      )
      .bind(
        ...[accountId, from, to, key ?? null, model ?? null],
        ...[afterDay, afterKey, afterModel, count, owner],
      )
      .all<UsageRow>();
    return results;
  }
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
