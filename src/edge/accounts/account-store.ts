import type { RateLimits } from "#domain/limits.ts";
import type { ChangeAccountBody } from "#wire/accounts.ts";
import { type RateLimitsBody, rateLimitsBody, rateLimitsOf } from "#wire/limits-body.ts";

/** Whose money it is. */
export interface Account {
  readonly id: string;
  readonly name: string;
  /** Of all its keys together. */
  readonly limits: RateLimits;
  readonly stripeCustomerId: string | null;
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

  /** Adds an account and says whether its id was free. */
  async insert(account: Account): Promise<boolean> {
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
           stripe_customer_id = CASE WHEN ?2 THEN ?3 ELSE stripe_customer_id END
         WHERE id = ?4 RETURNING *`,
      )
      .bind(
        JSON.stringify(to.limits ?? {}),
        to.stripe_customer_id === undefined ? 0 : 1,
        to.stripe_customer_id ?? null,
        id,
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
  readonly created_at: number;
}

function accountOf(row: Row): Account {
  return {
    id: row.id,
    name: row.name,
    limits: rateLimitsOf(JSON.parse(row.limits) as RateLimitsBody),
    stripeCustomerId: row.stripe_customer_id,
    createdAt: row.created_at,
  };
}
