import type { RateLimits } from "#domain/limits.ts";
import { type Micros, micros } from "#domain/micros.ts";
import type { Retention } from "#domain/retention.ts";
import type { ChangeAccountBody } from "#wire/api/accounts/accounts.ts";
import { rateLimitsBody, rateLimitsOf } from "#wire/api/accounts/limits-body.ts";
import { readChecked } from "../storage/stored-json.ts";
import { isRateLimits, retentionIn } from "./stored-limits.ts";

/** Whose money it is. */
export interface Account {
  readonly id: string;
  readonly name: string;
  /** Of all its keys together. */
  readonly limits: RateLimits;
  readonly stripeCustomerId: string | null;
  /** Below so much available credit it is told; null: it is not. Its ledger goes by the same line. */
  readonly creditLow: Micros | null;
  /** How long its own is kept; what it does not say is the installation's. */
  readonly retention: Partial<Retention>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** An account's place in the order in which accounts are listed. */
export type AccountPlace = readonly [createdAt: number, id: string];

/** The accounts in D1. What they own stands in their ledger objects. */
export class AccountTable {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async find(id: string): Promise<Account | undefined> {
    const row = await this.#db.prepare("SELECT * FROM accounts WHERE id = ?").bind(id).first<Row>();
    return row === null ? undefined : accountOf(row);
  }

  /** Lists accounts, oldest first. */
  async list(after: AccountPlace | undefined, count: number): Promise<Account[]> {
    const [createdAt, id] = after ?? [0, ""];
    const { results } = await this.#db
      .prepare(
        "SELECT * FROM accounts WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?",
      )
      .bind(createdAt, id, count)
      .all<Row>();
    return results.map(accountOf);
  }

  /** Adds an account, which is not told of low credit, and says whether its id was free. */
  async insert(account: Omit<Account, "creditLow" | "retention">): Promise<boolean> {
    const { meta } = await this.#db
      .prepare(
        `INSERT INTO accounts (id, name, limits, stripe_customer_id, created_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(
        account.id,
        account.name,
        JSON.stringify(rateLimitsBody(account.limits)),
        account.stripeCustomerId,
        account.createdAt,
      )
      .run();
    return meta.changes === 1;
  }

  /** Changes what is named, in one statement, so that two changes at once are both kept. Undefined where there is no such account. */
  async change(id: string, to: ChangeAccountBody): Promise<Account | undefined> {
    const row = await this.#db
      .prepare(
        `UPDATE accounts SET limits = json_patch(limits, ?1),
           stripe_customer_id = CASE WHEN ?2 THEN ?3 ELSE stripe_customer_id END,
           credit_low_micros = CASE WHEN ?4 THEN ?5 ELSE credit_low_micros END,
           retention = CASE WHEN ?7 IS NULL THEN retention WHEN ?7 = 'null' THEN NULL ELSE json_patch(coalesce(retention, '{}'), ?7) END
         WHERE id = ?6 RETURNING *`,
      )
      .bind(
        JSON.stringify(to.limits ?? {}),
        to.stripe_customer_id === undefined ? 0 : 1,
        to.stripe_customer_id ?? null,
        to.credit_low_micros === undefined ? 0 : 1,
        to.credit_low_micros ?? null,
        id,
        to.retention === undefined ? null : JSON.stringify(to.retention),
      )
      .first<Row>();
    return row === null ? undefined : accountOf(row);
  }
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly limits: string;
  readonly stripe_customer_id: string | null;
  readonly credit_low_micros: number | null;
  readonly retention: string | null;
  readonly created_at: number;
}

function accountOf(row: Row): Account {
  return {
    id: row.id,
    name: row.name,
    limits: rateLimitsOf(readChecked("limits of an account", isRateLimits, row.limits)),
    stripeCustomerId: row.stripe_customer_id,
    creditLow: row.credit_low_micros === null ? null : micros(row.credit_low_micros),
    retention: retentionIn(row.retention),
    createdAt: row.created_at,
  };
}
