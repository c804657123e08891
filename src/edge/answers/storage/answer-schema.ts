import { type Migration, madeAs, type WholeSchema } from "../../storage/migrations.ts";
import { WORK_LIFETIME_MS } from "./answer-retention.ts";

/** The table of an answer that had an object of its own. */
const RECORDS_OF_ONE = `CREATE TABLE answer ( ${madeAs({ version: 3, breakingVersion: 3 })}
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

/** Each entry of an index is paid for with every answer: there is none but the key. */
const RECORDS = `CREATE TABLE answer ( ${madeAs({ version: 4, breakingVersion: 4 })}
     answer TEXT NOT NULL,
     record TEXT NOT NULL,
     text TEXT NOT NULL,
     progress TEXT,
     tasks TEXT,
     ended_at INTEGER,
     decoder TEXT,
     head BLOB,
     inline BLOB,
     places TEXT,
     PRIMARY KEY (answer, record)
   ) STRICT, WITHOUT ROWID`;

/** When which answer has to be looked at: 0 while it is made or something is left to do, later when something of it is forgotten. */
const DUE = `CREATE TABLE due (
     at INTEGER NOT NULL,
     answer TEXT NOT NULL,
     PRIMARY KEY (at, answer)
   ) STRICT, WITHOUT ROWID`;

/** The one answer's id, out of its terms: the first line of its order, with or without a version around them. */
const ID_OF_ONE = `(SELECT coalesce(json_extract(terms, '$.value.job.id'), json_extract(terms, '$.job.id'))
         FROM (SELECT substr(text, 1, instr(text, char(10)) - 1) AS terms
           FROM answer_before WHERE record = 'order/0001'))`;

/** The tables of the answers that share an object. Times are milliseconds since 1970. */
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
      RECORDS_OF_ONE,
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
  {
    name: "many answers in one table, and which of them are due",
    kind: "breaking",
    statements: [
      "ALTER TABLE answer RENAME TO answer_before",
      RECORDS,
      DUE,
      `INSERT INTO answer
         (answer, record, text, progress, tasks, ended_at, decoder, head, inline, places)
         SELECT ${ID_OF_ONE}, record, text, progress, tasks, ended_at, decoder, head, inline, places
         FROM answer_before`,
      `INSERT INTO due (at, answer) SELECT coalesce(
           (SELECT ended_at + ${WORK_LIFETIME_MS} FROM answer WHERE record = 'end' AND tasks = '[]'), 0),
         answer FROM answer WHERE record = 'order/0001'`,
      "DROP TABLE answer_before",
    ],
  },
];

/** The tables of an object's first answer. */
export const answerSchema: WholeSchema = { table: "answer", statements: [RECORDS, DUE] };
