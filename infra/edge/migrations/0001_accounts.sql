-- Times are milliseconds since 1970, money whole micro-dollars, lists and limits JSON in wire names.

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  limits TEXT NOT NULL,
  stripe_customer_id TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX accounts_in_order ON accounts (created_at, id);

-- Of a secret only its SHA-256 is kept; the one before a rotation stays good until previous_expires_at.
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
  secret_sha256 TEXT NOT NULL,
  previous_secret_sha256 TEXT,
  previous_expires_at INTEGER,
  scopes TEXT NOT NULL,
  limits TEXT NOT NULL,
  models TEXT,
  origins TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;

CREATE INDEX keys_in_order ON keys (account_id, created_at, id);
