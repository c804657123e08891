import type { Migration } from "../../storage/migrations.ts";

/** The tables of an answer. Times are milliseconds since 1970. */
export const answerMigrations: readonly Migration[] = [
  {
    name: "an answer as it was when versions were first counted",
    kind: "breaking",
    statements: [
      `CREATE TABLE IF NOT EXISTS answer (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     terms TEXT NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     model_digest TEXT,
     started TEXT,
     body TEXT,
     ended_at INTEGER
   ) STRICT`,
      "CREATE TABLE IF NOT EXISTS question (part INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
      "CREATE TABLE IF NOT EXISTS frames (step INTEGER PRIMARY KEY, frame TEXT NOT NULL) STRICT",
      "CREATE TABLE IF NOT EXISTS duties (duty TEXT NOT NULL UNIQUE) STRICT",
    ],
  },
  {
    name: "the version of the decoder that completed the answer",
    kind: "additive",
    statements: ["ALTER TABLE answer ADD COLUMN decoder TEXT"],
  },
];
