-- The list of answers. Their objects are the truth; a row says `running` from an answer's start to its end.
CREATE TABLE answers (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  status TEXT NOT NULL,
  charged_micros INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

CREATE INDEX answers_by_account ON answers (account_id, created_at DESC, id);
