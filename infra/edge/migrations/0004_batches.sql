-- The list of batches. Their objects are the truth; `body` is how a batch ended, null until then.
CREATE TABLE batches (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  request_key TEXT,
  body TEXT
) STRICT;

CREATE INDEX batches_by_account ON batches (account_id, created_at DESC, id);
CREATE INDEX batches_by_request ON batches (account_id, request_key, created_at DESC);
