/** What SQLite takes and gives. Integers are JavaScript numbers, so they must stay below 2^53; an ArrayBuffer is a BLOB. */
export type SqlValue = string | number | null | ArrayBuffer;

/** The little of SQLite that the objects need; the runtime's own storage and Node's are values of it. */
export interface SqlStore {
  /** Runs one statement, with a value for each of its places in order, and returns its rows. */
  all<Row extends Record<string, SqlValue>>(query: string, bindings?: readonly SqlValue[]): Row[];
  /** Runs `work` as a whole or not at all: what it throws undoes it. Never nested. */
  transaction<Value>(work: () => Value): Value;
  /** Bytes that it holds, without pages that are free again. Source: Durable Objects, SQL API, `databaseSize`. */
  bytes(): number;
}

/** The store of a Durable Object. */
export function durableStore(storage: DurableObjectStorage): SqlStore {
  return {
    all: <Row extends Record<string, SqlValue>>(
      query: string,
      bindings: readonly SqlValue[] = [],
    ) => storage.sql.exec<Row>(query, ...bindings).toArray(),
    transaction: (work) => storage.transactionSync(work),
    bytes: () => storage.sql.databaseSize,
  };
}
