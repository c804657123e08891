-- Client tokens that were made for one upload, from their upload on: which picture it is, and since when it is kept (null while
-- it is being kept). Rows go once their token has expired.
CREATE TABLE upload_tokens (
  id TEXT PRIMARY KEY,
  image_id TEXT NOT NULL,
  kept_at INTEGER,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX upload_tokens_by_expiry ON upload_tokens (expires_at);
