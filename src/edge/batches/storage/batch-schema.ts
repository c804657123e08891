import type { Migration } from "../../storage/migrations.ts";

/** The tables of a batch. Every amount is whole micro-dollars, every time milliseconds since 1970. */
export const batchMigrations: readonly Migration[] = [
  {
    name: "a batch as it was when versions were first counted",
    kind: "breaking",
    statements: [
      `CREATE TABLE IF NOT EXISTS batch (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     terms TEXT NOT NULL,
     cancelled_at INTEGER,
     ended_at INTEGER,
     charged INTEGER,
     is_indexed INTEGER NOT NULL DEFAULT 0,
     is_told INTEGER NOT NULL DEFAULT 0
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS items (
     place INTEGER PRIMARY KEY,
     custom_id TEXT,
     quoted INTEGER NOT NULL CHECK (quoted >= 0),
     state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'ended')),
     answer_id TEXT,
     attempts INTEGER NOT NULL DEFAULT 0,
     due_at INTEGER NOT NULL DEFAULT 0,
     outcome TEXT CHECK (outcome IN ('completed', 'partial', 'failed', 'cancelled')),
     charged INTEGER NOT NULL DEFAULT 0 CHECK (charged BETWEEN 0 AND quoted),
     steps INTEGER NOT NULL DEFAULT 0,
     answer TEXT,
     error TEXT,
     CHECK ((state = 'ended') = (outcome IS NOT NULL)),
     CHECK ((state = 'running') <= (answer_id IS NOT NULL))
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS items_by_state ON items (state, place)",
      `CREATE TABLE IF NOT EXISTS orders (
     place INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (place, part)
   ) STRICT`,
    ],
  },
  {
    // As of an answer: the version before finds no question of an item that was kept after it.
    name: "an item's question as the head of its work order, its small pictures as they are, the others by their place",
    kind: "breaking",
    statements: [
      `CREATE TABLE item_orders (
     place INTEGER PRIMARY KEY,
     terms TEXT NOT NULL,
     head BLOB NOT NULL,
     inline BLOB NOT NULL,
     places TEXT NOT NULL
   ) STRICT`,
    ],
  },
  {
    name: "answers of attempts that failed, and whether the batch is being deleted",
    // Code of before tells and ends a batch as well; only what it tried is not known afterwards.
    kind: "additive",
    statements: [
      "CREATE TABLE tried (answer TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
      "ALTER TABLE batch ADD COLUMN deleted_at INTEGER",
    ],
  },
];
