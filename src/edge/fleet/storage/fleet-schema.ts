import type { Migration } from "../../storage/migrations.ts";

/** The tables of the functions of one model in one region. Times are milliseconds since 1970. */
export const fleetMigrations: readonly Migration[] = [
  {
    name: "instances of functions, loads and cards",
    kind: "breaking",
    statements: [
      `CREATE TABLE instances (
     url TEXT NOT NULL,
     instance TEXT NOT NULL,
     report TEXT NOT NULL,
     kept_at INTEGER NOT NULL,
     PRIMARY KEY (url, instance)
   ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE loads (
     at INTEGER PRIMARY KEY,
     provider TEXT NOT NULL,
     digest TEXT NOT NULL,
     took_ms INTEGER NOT NULL
   ) STRICT`,
      `CREATE TABLE cards (
     digest TEXT NOT NULL,
     provider TEXT NOT NULL,
     card TEXT NOT NULL,
     heard_at INTEGER NOT NULL,
     PRIMARY KEY (digest, provider)
   ) STRICT, WITHOUT ROWID`,
    ],
  },
];
