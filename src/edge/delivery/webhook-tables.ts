import type { LedgerStore, SqlValue } from "../ledger/ledger-store.ts";
import type { DeliveryState } from "./webhooks.ts";

/** A delivery as it is kept. Times are milliseconds since 1970. */
export interface DeliveryRow extends Record<string, SqlValue> {
  readonly id: string;
  readonly notice_id: string;
  readonly endpoint_id: string | null;
  readonly url: string;
  /** Origin of `url`: whom one sending too many would burden. */
  readonly receiver: string;
  /** Signs what goes to an address that a request named with a secret of its own. */
  readonly secret: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly created_at: number;
  /** Of the next attempt; while one is being made, the end of its lease. */
  readonly due_at: number | null;
  /** Until when somebody is sending it. */
  readonly leased_until: number | null;
}

/** Makes the tables where they are missing. */
export function createWebhookTables(store: LedgerStore): void {
  store.transaction(() => {
    for (const table of tables) store.all(table);
  });
}

/** Returns whom an address burdens: all addresses of one host. What is no address stands for itself, and fails when it is sent to. */
export function receiverOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

const tables: readonly string[] = [
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
];
