import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type LedgerRepository, openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import type { Ledger } from "#edge/ledger/ledger-service.ts";
import type { SqlStore, SqlValue } from "#edge/storage/sql-store.ts";

/** Node's SQLite as a ledger's store: the same statements as in the object, in memory. */
export function nodeStore(database: DatabaseSync = new DatabaseSync(":memory:")): SqlStore {
  // Simulations run the same few statements millions of times.
  const prepared = new Map<string, StatementSync>();
  const statement = (query: string): StatementSync => {
    const known = prepared.get(query) ?? database.prepare(query);
    prepared.set(query, known);
    return known;
  };
  return {
    all: <Row extends Record<string, SqlValue>>(
      query: string,
      bindings: readonly SqlValue[] = [],
    ) =>
      statement(query)
        .all(
          ...bindings.map((value) =>
            value instanceof ArrayBuffer ? new Uint8Array(value) : value,
          ),
        )
        .map((row) => withBuffers(row) as Row),
    transaction: (work) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const value = work();
        database.exec("COMMIT");
        return value;
      } catch (cause) {
        database.exec("ROLLBACK");
        throw cause;
      }
    },
    bytes: () => {
      const pages = "(SELECT page_count FROM pragma_page_count)";
      const free = "(SELECT freelist_count FROM pragma_freelist_count)";
      const size = "(SELECT page_size FROM pragma_page_size)";
      return Number(statement(`SELECT (${pages} - ${free}) * ${size} AS bytes`).get()?.["bytes"]);
    },
  };
}

/** Node gives a BLOB as a view of bytes, the object's storage as a buffer. */
function withBuffers(row: Record<string, unknown>): object {
  if (!Object.values(row).some((value) => value instanceof Uint8Array)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Uint8Array.from(value).buffer : value,
    ]),
  );
}

/** The object's calls over any repository: what is between them in the runtime is a wire. */
export function ledgerOver(repository: () => LedgerRepository): Ledger {
  return {
    grant: async (grant) => repository().grant(grant),
    refund: async (refund) => repository().refund(refund),
    hearPayment: async (payment) => repository().hearPayment(payment),
    standing: async () => repository().standing(),
    hold: async (request) => repository().hold(request),
    letIn: async (request) => repository().letIn(request),
    recall: async (request) => repository().recall(request),
    renew: async (holdId) => repository().renew(holdId),
    takePlace: async (place) => repository().takePlace(place),
    leavePlace: async (answerId) => repository().leavePlace(answerId),
    capture: async (capture) => repository().capture(capture),
    release: async (holdId) => repository().release(holdId),
    forgetReply: async (holdId) => repository().forgetReply(holdId),
    erase: async () => repository().erase(),
    setLowCreditAlert: async (alert) => repository().setLowCreditAlert(alert),
    balance: async () => repository().balance(),
    entries: async (query) => repository().entries(query),
  };
}

/** An empty ledger in memory. */
export function ledgerTwin(now: () => number): { repository: LedgerRepository; ledger: Ledger } {
  const repository = openLedgerRepository(nodeStore(), now);
  return { repository, ledger: ledgerOver(() => repository) };
}
