-- How far the backups have come with each account's ledger. The bucket is the truth: what is lost here is found there again.
-- Times are milliseconds since 1970. `changed_at`: when it was said last that the ledger has moved · `exported_at`: it had been read to
-- its end then · `tried_at`, `checked_at`: when an export began last, and when what is in the bucket was last booked again from zero ·
-- `checkpoint`: the last line that is in the bucket, and what all lines up to it come to, as JSON with a version.
CREATE TABLE ledger_exports (
  account_id TEXT PRIMARY KEY,
  changed_at INTEGER NOT NULL,
  exported_at INTEGER NOT NULL DEFAULT 0,
  tried_at INTEGER NOT NULL DEFAULT 0,
  checked_at INTEGER NOT NULL DEFAULT 0,
  checkpoint TEXT
) STRICT;

CREATE INDEX ledger_exports_due ON ledger_exports (tried_at) WHERE changed_at >= exported_at;
CREATE INDEX ledger_exports_by_export ON ledger_exports (exported_at);
CREATE INDEX ledger_exports_by_check ON ledger_exports (checked_at);

-- Where the backups' other work stands, by name, as JSON with a version.
CREATE TABLE backup_state (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
