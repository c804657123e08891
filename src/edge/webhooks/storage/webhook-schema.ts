import type { Migration } from "../../storage/migrations.ts";

/** The tables of an account's webhooks. Times are milliseconds since 1970. */
export const webhookMigrations: readonly Migration[] = [
  {
    name: "webhooks as they were when versions were first counted",
    kind: "breaking",
    statements: [
      `CREATE TABLE IF NOT EXISTS account (
     one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS settings (
     one INTEGER PRIMARY KEY CHECK (one = 1), secrets TEXT NOT NULL
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS endpoints (
     id TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     receiver TEXT NOT NULL,
     details TEXT NOT NULL,
     failing_since INTEGER,
     created_at INTEGER NOT NULL
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS notices (
     id TEXT PRIMARY KEY, type TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS notices_by_age ON notices (at)",
      `CREATE TABLE IF NOT EXISTS deliveries (
     id TEXT PRIMARY KEY,
     notice_id TEXT NOT NULL,
     endpoint_id TEXT,
     url TEXT NOT NULL,
     receiver TEXT NOT NULL,
     secret TEXT,
     state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
     attempts INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     due_at INTEGER,
     leased_until INTEGER,
     CHECK ((state = 'waiting') = (due_at IS NOT NULL))
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due_at) WHERE state = 'waiting'",
      `CREATE INDEX IF NOT EXISTS deliveries_by_receiver ON deliveries (receiver, due_at)
     WHERE state = 'waiting'`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_lease ON deliveries (leased_until)
     WHERE leased_until IS NOT NULL`,
      "CREATE INDEX IF NOT EXISTS deliveries_in_order ON deliveries (created_at DESC, id)",
      "CREATE INDEX IF NOT EXISTS deliveries_by_notice ON deliveries (notice_id)",
      `CREATE TABLE IF NOT EXISTS attempts (
     delivery_id TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, reply TEXT NOT NULL
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS attempts_by_delivery ON attempts (delivery_id)",
    ],
  },
  {
    name: "whether an endpoint is enabled stands beside its details",
    // Deliveries go by the column from here on, and code of before would not keep it true.
    kind: "breaking",
    statements: [
      "ALTER TABLE endpoints ADD COLUMN is_enabled INTEGER NOT NULL DEFAULT 1 CHECK (is_enabled IN (0, 1))",
      "UPDATE endpoints SET is_enabled = coalesce(json_extract(details, '$.isEnabled'), 1)",
    ],
  },
  {
    name: "whose turn it is, what could not leave, and when to sweep",
    // Turns go by the table of receivers from here on, and code of before would not keep it true.
    kind: "breaking",
    statements: [
      "CREATE TABLE receivers (name TEXT PRIMARY KEY, due_at INTEGER NOT NULL) STRICT",
      "CREATE INDEX receivers_by_due ON receivers (due_at, name)",
      `INSERT INTO receivers (name, due_at)
     SELECT receiver, min(due_at) FROM deliveries WHERE state = 'waiting' GROUP BY receiver`,
      "ALTER TABLE deliveries ADD COLUMN unsent_since INTEGER",
      "ALTER TABLE account ADD COLUMN outage_since INTEGER",
      "ALTER TABLE account ADD COLUMN paused_until INTEGER",
      "ALTER TABLE account ADD COLUMN sweep_at INTEGER",
    ],
  },
  {
    name: "who may see a delivery besides the account's keys",
    kind: "additive",
    statements: ["ALTER TABLE deliveries ADD COLUMN owner TEXT"],
  },
  {
    name: "how a receiver's response begins",
    kind: "additive",
    statements: ["ALTER TABLE attempts ADD COLUMN response TEXT"],
  },
  {
    name: "what waits and what was given up, as it was told last",
    kind: "additive",
    statements: [
      "ALTER TABLE account ADD COLUMN told_waiting INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE account ADD COLUMN told_oldest_at INTEGER",
      "ALTER TABLE account ADD COLUMN told_failed INTEGER NOT NULL DEFAULT 0",
      // Only what is given up writes to it.
      "CREATE INDEX deliveries_failed ON deliveries (created_at) WHERE state = 'failed'",
    ],
  },
  {
    name: "what a notice is about, when it is forgotten, and until when it is tried",
    // Code of before goes by `at`, and leaves `forget_at` empty: such a notice is forgotten by its age.
    kind: "additive",
    statements: [
      "ALTER TABLE notices ADD COLUMN about TEXT",
      "ALTER TABLE notices ADD COLUMN forget_at INTEGER",
      "ALTER TABLE notices ADD COLUMN give_up_at INTEGER",
      `UPDATE notices SET about = json_extract(body, '$.data.id'), forget_at = at + ${30 * 86_400_000}`,
      "DROP INDEX notices_by_age",
      "CREATE INDEX notices_by_end ON notices (forget_at)",
      "CREATE INDEX notices_by_about ON notices (about) WHERE about IS NOT NULL",
    ],
  },
  {
    name: "out of which backup they were restored",
    kind: "additive",
    statements: ["ALTER TABLE account ADD COLUMN restored_from TEXT"],
  },
];
