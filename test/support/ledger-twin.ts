import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type LedgerBook, openLedgerBook } from "#edge/ledger/ledger-repository.ts";
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
    all: <Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) =>
      statement(query).all(...bindings) as Row[],
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
  };
}

/** The object's calls over any book: what is between them in the runtime is a wire. */
export function ledgerOver(book: () => LedgerBook): Ledger {
  return {
    grant: async (grant) => book().grant(grant),
    refund: async (refund) => book().refund(refund),
    hold: async (request) => book().hold(request),
    letIn: async (request) => book().letIn(request),
    recall: async (request) => book().recall(request),
    renew: async (holdId) => book().renew(holdId),
    takePlace: async (place) => book().takePlace(place),
    leavePlace: async (answerId) => book().leavePlace(answerId),
    capture: async (capture) => book().capture(capture),
    release: async (holdId) => book().release(holdId),
    drawLine: async (line) => book().drawLine(line),
    balance: async () => book().balance(),
    entries: async (query) => book().entries(query),
  };
}

/** An empty ledger in memory. */
export function ledgerTwin(now: () => number): { book: LedgerBook; ledger: Ledger } {
  const book = openLedgerBook(nodeStore(), now);
  return { book, ledger: ledgerOver(() => book) };
}
