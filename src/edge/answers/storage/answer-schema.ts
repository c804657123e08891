import { type Migration, madeAs, type WholeSchema } from "../../storage/migrations.ts";

/** Each index and each table that an answer makes is paid for with every answer: it has one table, and no index but its key. */
const RECORDS = `CREATE TABLE answer ( ${madeAs({ version: 3, breakingVersion: 3 })}
     record TEXT PRIMARY KEY,
     text TEXT NOT NULL,
     progress TEXT,
     tasks TEXT,
     ended_at INTEGER,
     decoder TEXT,
     head BLOB,
     inline BLOB,
     places TEXT
   ) STRICT, WITHOUT ROWID`;

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
  {
    name: "one table of records instead of four tables",
    kind: "breaking",
    statements: [
      "ALTER TABLE answer RENAME TO answer_before",
      RECORDS,
      `INSERT INTO answer (record, text) SELECT 'order/0001',
         terms || char(10) || coalesce((SELECT text FROM question WHERE part = 0), '')
         FROM answer_before`,
      `INSERT INTO answer (record, text)
         SELECT 'order/' || substr('000' || (part + 1), -4), text FROM question WHERE part > 0`,
      `INSERT INTO answer (record, text)
         SELECT 'attempts', CAST(attempts AS TEXT) FROM answer_before`,
      `INSERT INTO answer (record, text) SELECT 'progress/0000',
         coalesce(model_digest, '') || char(10) || coalesce(started, '') || coalesce(
           (SELECT char(10) || group_concat(frame, char(10)) FROM (SELECT frame FROM frames ORDER BY step)), '')
         FROM answer_before WHERE started IS NOT NULL OR EXISTS (SELECT 1 FROM frames)`,
      `INSERT INTO answer (record, text, tasks, ended_at, decoder) SELECT 'end', body,
         (SELECT json_group_array(duty) FROM (SELECT duty FROM duties ORDER BY rowid)), ended_at, decoder
         FROM answer_before WHERE body IS NOT NULL AND ended_at IS NOT NULL`,
      ...["answer_before", "question", "frames", "duties"].map((table) => `DROP TABLE ${table}`),
    ],
  },
];

/** A new answer's table. */
export const answerSchema: WholeSchema = { table: "answer", statements: [RECORDS] };
