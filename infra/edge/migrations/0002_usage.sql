-- One row for each charge, copied from the ledger objects. `id` makes a second delivery of the same message harmless.
CREATE TABLE usage (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  day TEXT NOT NULL,
  at INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  charged_micros INTEGER NOT NULL
) STRICT;

CREATE INDEX usage_by_day ON usage (account_id, day, key_id, model);

CREATE TRIGGER usage_is_never_changed BEFORE UPDATE ON usage
BEGIN
  SELECT RAISE(ABORT, 'usage is append-only');
END;

CREATE TRIGGER usage_is_never_deleted BEFORE DELETE ON usage
BEGIN
  SELECT RAISE(ABORT, 'usage is append-only');
END;
