-- Sessions of the dashboard. Of a cookie's value and of a code only the SHA-256 is kept. Times are milliseconds since 1970.
-- `opener_sha256` is of the secret that it was opened with, directly or by a code: a key's, or the administrator's (key_id is null
-- then, and account_id too where it is the administration that was opened). Once that secret opens nothing any more, neither
-- does the session.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  token_sha256 TEXT NOT NULL UNIQUE,
  account_id TEXT REFERENCES accounts (id),
  key_id TEXT REFERENCES keys (id),
  opener_sha256 TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_in_order ON sessions (account_id, created_at DESC, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- One-time codes that are traded for a session; a row goes when it is traded.
CREATE TABLE sign_in_codes (
  code_sha256 TEXT PRIMARY KEY,
  account_id TEXT REFERENCES accounts (id),
  key_id TEXT REFERENCES keys (id),
  opener_sha256 TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_codes_by_expiry ON sign_in_codes (expires_at);

-- How often wrong keys and codes came from a network lately, which is kept as a digest.
CREATE TABLE sign_in_failures (
  network_sha256 TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  forget_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_failures_by_expiry ON sign_in_failures (forget_at);
