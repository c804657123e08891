import type { PaymentWord } from "#domain/top-up.ts";
import { membersOf, type StoredJson, storedJson, unchanged } from "../storage/stored-json.ts";

/** An event of a provider as it is kept; ids begin with the provider's name and a colon. Times are milliseconds since 1970. */
export interface PaymentEvent {
  readonly id: string;
  readonly provider: string;
  readonly type: string;
  readonly paymentId: string | null;
  /** Whose credit it moves, or is said to; null where nobody knows. */
  readonly accountId: string | null;
  /** Null where it was not understood. */
  readonly word: PaymentWord | null;
  readonly state: PaymentEventState;
  readonly reason: string | null;
  readonly receivedAt: number;
}

export type PaymentEventState = "received" | "parked" | "applied";

/** An event's place in the order in which they are listed: newest first. */
export type PaymentEventPlace = readonly [receivedAt: number, id: string];

/** Payments and what was told of them, in D1. What they are worth stands in the ledgers. */
export class PaymentTable {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Keeps an event, once, before anything else is done for it; returns it as it is kept. */
  async keep(event: PaymentEvent): Promise<PaymentEvent> {
    await this.#db
      .prepare(
        `INSERT INTO payment_events (id, provider, type, payment_id, account_id, word, state, reason, received_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      )
      .bind(
        ...[event.id, event.provider, event.type, event.paymentId, event.accountId],
        ...[event.word === null ? null : storedWord.write(event.word), event.state],
        ...[event.reason, event.receivedAt],
      )
      .run();
    return (await this.find(event.id)) ?? event;
  }

  async find(id: string): Promise<PaymentEvent | undefined> {
    const row = await this.#db
      .prepare("SELECT * FROM payment_events WHERE id = ?")
      .bind(id)
      .first<Row>();
    return row === null ? undefined : eventOf(row);
  }

  /** Events of a payment that no ledger has heard. */
  async open(paymentId: string): Promise<PaymentEvent[]> {
    const { results } = await this.#db
      .prepare("SELECT * FROM payment_events WHERE payment_id = ? AND state <> 'applied'")
      .bind(paymentId)
      .all<Row>();
    return results.map(eventOf);
  }

  /** Events of payments whose account is known, in the order in which they are kept, behind a place in it. */
  async bookedBehind(
    after: number,
    count: number,
  ): Promise<{ readonly place: number; readonly event: PaymentEvent; readonly owner: string }[]> {
    const { results } = await this.#db
      .prepare(
        `SELECT payment_events.*, payment_events.rowid AS place, payments.account_id AS owner
           FROM payment_events JOIN payments ON payments.id = payment_events.payment_id
           WHERE payment_events.rowid > ? AND word IS NOT NULL ORDER BY payment_events.rowid LIMIT ?`,
      )
      .bind(after, count)
      .all<Row & { readonly place: number; readonly owner: string }>();
    return results.map((row) => ({ place: row.place, owner: row.owner, event: eventOf(row) }));
  }

  /** Says whose payments are, of which that is not known yet; of an account that there is. */
  async claimAll(paymentIds: readonly string[], accountId: string): Promise<void> {
    await this.#db
      .prepare(
        `INSERT INTO payments (id, account_id) SELECT value, ?2 FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM accounts WHERE id = ?2)
           ON CONFLICT (id) DO NOTHING`,
      )
      .bind(JSON.stringify(paymentIds), accountId)
      .run();
  }

  async park(id: string, reason: string): Promise<void> {
    await this.#db
      .prepare(
        "UPDATE payment_events SET state = 'parked', reason = ? WHERE id = ? AND state <> 'applied'",
      )
      .bind(reason, id)
      .run();
  }

  async applied(id: string, accountId: string): Promise<void> {
    await this.#db
      .prepare(
        "UPDATE payment_events SET state = 'applied', reason = NULL, account_id = ? WHERE id = ?",
      )
      .bind(accountId, id)
      .run();
  }

  /** Says whose a payment is, unless that was said before; returns whose it is. */
  async claim(paymentId: string, accountId: string): Promise<string> {
    await this.#db
      .prepare("INSERT INTO payments (id, account_id) VALUES (?, ?) ON CONFLICT (id) DO NOTHING")
      .bind(paymentId, accountId)
      .run();
    return (await this.ownerOf(paymentId)) ?? accountId;
  }

  async ownerOf(paymentId: string): Promise<string | undefined> {
    const row = await this.#db
      .prepare("SELECT account_id FROM payments WHERE id = ?")
      .bind(paymentId)
      .first<{ account_id: string }>();
    return row?.account_id;
  }

  async list(
    state: PaymentEventState | undefined,
    after: PaymentEventPlace | undefined,
    count: number,
  ): Promise<PaymentEvent[]> {
    const [receivedAt, id] = after ?? [Number.MAX_SAFE_INTEGER, ""];
    const { results } = await this.#db
      .prepare(
        `SELECT * FROM payment_events WHERE (?1 IS NULL OR state = ?1)
           AND (received_at < ?2 OR (received_at = ?2 AND id > ?3))
         ORDER BY received_at DESC, id LIMIT ?4`,
      )
      .bind(state ?? null, receivedAt, id, count)
      .all<Row>();
    return results.map(eventOf);
  }
}

/** What an event says, as it lies in D1. */
const storedWord: StoredJson<PaymentWord> = storedJson({
  name: "a payment's event",
  is: membersOf<{ kind: string }>({ kind: "string" }) as (value: unknown) => value is PaymentWord,
  upgrades: [unchanged],
});

interface Row {
  readonly id: string;
  readonly provider: string;
  readonly type: string;
  readonly payment_id: string | null;
  readonly account_id: string | null;
  readonly word: string | null;
  readonly state: PaymentEventState;
  readonly reason: string | null;
  readonly received_at: number;
}

function eventOf(row: Row): PaymentEvent {
  return {
    id: row.id,
    provider: row.provider,
    type: row.type,
    paymentId: row.payment_id,
    accountId: row.account_id,
    word: row.word === null ? null : storedWord.read(row.word),
    state: row.state,
    reason: row.reason,
    receivedAt: row.received_at,
  };
}
