import type { Migration } from "../../storage/migrations.ts";

/** The tables of an account's ledger. Every amount is whole micro-dollars, every time milliseconds since 1970. */
export const ledgerMigrations: readonly Migration[] = [
  {
    name: "the ledger as it was when versions were first counted",
    kind: "breaking",
    statements: [
      `CREATE TABLE IF NOT EXISTS balances (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     issuer INTEGER NOT NULL CHECK (issuer <= 0),
     available INTEGER NOT NULL CHECK (available >= 0),
     held INTEGER NOT NULL CHECK (held >= 0),
     revenue INTEGER NOT NULL CHECK (revenue >= 0),
     CHECK (issuer + available + held + revenue = 0)
   ) STRICT`,
      "INSERT OR IGNORE INTO balances (one, issuer, available, held, revenue) VALUES (1, 0, 0, 0, 0)",
      `CREATE TABLE IF NOT EXISTS entries (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     kind TEXT NOT NULL,
     source TEXT NOT NULL,
     target TEXT NOT NULL,
     amount INTEGER NOT NULL CHECK (amount >= 0),
     hold_id TEXT,
     key_id TEXT,
     reference TEXT UNIQUE,
     note TEXT,
     at INTEGER NOT NULL,
     available INTEGER NOT NULL
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS entries_by_hold ON entries (hold_id)",
      `CREATE TABLE IF NOT EXISTS holds (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     key_id TEXT NOT NULL,
     model TEXT NOT NULL,
     amount INTEGER NOT NULL,
     opened_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('open', 'captured', 'released')),
     charged INTEGER NOT NULL CHECK (charged BETWEEN 0 AND amount),
     spending TEXT NOT NULL
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS holds_by_expiry ON holds (state, expires_at)",
      "CREATE INDEX IF NOT EXISTS holds_by_key ON holds (state, key_id)",
      `CREATE TABLE IF NOT EXISTS replies (
     scope TEXT PRIMARY KEY,
     fingerprint TEXT NOT NULL,
     hold_id TEXT NOT NULL UNIQUE,
     reply TEXT,
     expires_at INTEGER
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS replies_by_expiry ON replies (expires_at)",
      `CREATE TABLE IF NOT EXISTS windows (
     name TEXT PRIMARY KEY,
     started_at INTEGER NOT NULL,
     used INTEGER NOT NULL
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS spending (
     purse TEXT PRIMARY KEY,
     amount INTEGER NOT NULL CHECK (amount >= 0),
     forget_at INTEGER NOT NULL
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS outbox (
     id TEXT PRIMARY KEY,
     event TEXT NOT NULL,
     due_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0
   ) STRICT`,
      "CREATE INDEX IF NOT EXISTS outbox_by_due ON outbox (due_at)",
      `CREATE TABLE IF NOT EXISTS credit_line (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     account_id TEXT NOT NULL,
     line INTEGER NOT NULL CHECK (line > 0),
     is_told INTEGER NOT NULL CHECK (is_told IN (0, 1))
   ) STRICT`,
      `CREATE TABLE IF NOT EXISTS alerts (
     id TEXT PRIMARY KEY,
     notice TEXT NOT NULL,
     due_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL
   ) STRICT`,
    ],
  },
  {
    name: "who asked within the account, and places at the functions",
    kind: "additive",
    statements: [
      "ALTER TABLE holds ADD COLUMN owner TEXT",
      // Of an answer that takes part in the work of another: it is made by that one.
      "ALTER TABLE holds ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE holds ADD COLUMN has_place INTEGER NOT NULL DEFAULT 0",
      `CREATE TABLE places (
     id TEXT PRIMARY KEY,
     share INTEGER NOT NULL,
     is_taken INTEGER NOT NULL CHECK (is_taken IN (0, 1)),
     asked_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT`,
    ],
  },
  {
    name: "fewer rows and indexes for each answer",
    kind: "breaking",
    statements: [
      // Entries are never deleted, so that numbers rise without AUTOINCREMENT, which writes a row for each.
      "ALTER TABLE entries RENAME TO entries_before",
      `CREATE TABLE entries (
     seq INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     source TEXT NOT NULL,
     target TEXT NOT NULL,
     amount INTEGER NOT NULL CHECK (amount >= 0),
     hold_id TEXT,
     key_id TEXT,
     reference TEXT,
     note TEXT,
     at INTEGER NOT NULL,
     available INTEGER NOT NULL
   ) STRICT`,
      `INSERT INTO entries (seq, kind, source, target, amount, hold_id, key_id, reference, note, at, available)
         SELECT seq, kind, source, target, amount, hold_id, key_id, reference, note, at, available
         FROM entries_before`,
      "ALTER TABLE holds RENAME TO holds_before",
      `CREATE TABLE holds (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     key_id TEXT NOT NULL,
     model TEXT NOT NULL,
     amount INTEGER NOT NULL,
     opened_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('open', 'captured', 'released')),
     charged INTEGER NOT NULL CHECK (charged BETWEEN 0 AND amount),
     spending TEXT NOT NULL,
     owner TEXT,
     is_shared INTEGER NOT NULL DEFAULT 0,
     has_place INTEGER NOT NULL DEFAULT 0,
     refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND charged)
   ) STRICT, WITHOUT ROWID`,
      `INSERT INTO holds (id, account_id, key_id, model, amount, opened_at, expires_at, state, charged,
           spending, owner, is_shared, has_place, refunded)
         SELECT id, account_id, key_id, model, amount, opened_at, expires_at, state, charged,
           spending, owner, is_shared, has_place, coalesce((SELECT sum(amount) FROM entries_before
             WHERE hold_id = holds_before.id AND kind = 'refund'), 0)
         FROM holds_before`,
      "DROP TABLE entries_before",
      "DROP TABLE holds_before",
      `CREATE UNIQUE INDEX entries_by_reference ON entries (reference) WHERE reference IS NOT NULL`,
      "CREATE INDEX holds_open ON holds (expires_at) WHERE state = 'open'",
      // What was counted of the minute is counted anew.
      "DROP TABLE windows",
      `CREATE TABLE rates (
     owner TEXT PRIMARY KEY,
     started_at INTEGER NOT NULL,
     requests INTEGER NOT NULL,
     steps INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID`,
      // A key's month is the sum of its days; what was spent before its oldest known day stands under day 00.
      "ALTER TABLE spending RENAME TO spending_before",
      `CREATE TABLE spending (
     purse TEXT PRIMARY KEY,
     amount INTEGER NOT NULL CHECK (amount >= 0),
     forget_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID`,
      `INSERT INTO spending (purse, amount, forget_at)
         SELECT purse, amount, forget_at + CASE WHEN purse GLOB '* ????-??-??' THEN 30 * 86400000 ELSE 0 END
         FROM spending_before WHERE NOT purse GLOB '* ????-??'`,
      `INSERT INTO spending (purse, amount, forget_at)
         SELECT purse || '-00', max(0, amount - coalesce((SELECT sum(day.amount) FROM spending_before AS day
           WHERE day.purse GLOB spending_before.purse || '-??'), 0)), forget_at
         FROM spending_before WHERE purse GLOB '* ????-??'`,
      "DROP TABLE spending_before",
      "ALTER TABLE outbox RENAME TO outbox_before",
      `CREATE TABLE outbox (
     id TEXT PRIMARY KEY,
     event TEXT NOT NULL,
     due_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0
   ) STRICT, WITHOUT ROWID`,
      `INSERT INTO outbox (id, event, due_at, attempts)
         SELECT id, event, due_at, attempts FROM outbox_before`,
      "DROP TABLE outbox_before",
    ],
  },
  {
    name: "what was heard of payments, and what is owed of them",
    // Code of before takes nothing back, and is told of no payment.
    kind: "additive",
    statements: [
      // `credited`: what it was worth as credit when it was last heard of.
      `CREATE TABLE payments (
     id TEXT PRIMARY KEY,
     state TEXT NOT NULL,
     credited INTEGER NOT NULL CHECK (credited >= 0)
   ) STRICT`,
      `CREATE TABLE owed (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     amount INTEGER NOT NULL CHECK (amount >= 0)
   ) STRICT`,
    ],
  },
  {
    name: "what the backups tell of a charge, and where a restored ledger came from",
    kind: "additive",
    statements: [
      "ALTER TABLE holds ADD COLUMN steps INTEGER",
      "ALTER TABLE holds ADD COLUMN answers INTEGER",
      // Of a request that was answered and charged before the ledger was lost; its reply is not in the backups.
      "ALTER TABLE replies ADD COLUMN is_lost INTEGER NOT NULL DEFAULT 0",
      `CREATE TABLE origin (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     book TEXT NOT NULL,
     timeline INTEGER NOT NULL,
     forks TEXT NOT NULL,
     cut TEXT NOT NULL,
     is_whole INTEGER NOT NULL CHECK (is_whole IN (0, 1))
   ) STRICT`,
    ],
  },
];
