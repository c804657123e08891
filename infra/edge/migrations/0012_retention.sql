-- How long what is kept of an account stays, as JSON in wire names; null: as the installation sets it.
ALTER TABLE accounts ADD COLUMN retention TEXT;

-- SHA-256 of ids that were erased: answers, so that a message of the queue that comes late lists none again, and accounts, of which
-- nothing may come back. `forget_at` is when no message can come any more; null: never forgotten.
CREATE TABLE erased (
  id_sha256 TEXT PRIMARY KEY,
  forget_at INTEGER
) STRICT;

CREATE INDEX erased_by_expiry ON erased (forget_at) WHERE forget_at IS NOT NULL;

-- Whose upload a token was for; null: of before this was written down, gone with its expiry within days.
ALTER TABLE upload_tokens ADD COLUMN account_id TEXT;
CREATE INDEX upload_tokens_by_account ON upload_tokens (account_id) WHERE account_id IS NOT NULL;

-- Usage stays append-only, but an account that is being erased: money stands in its ledger, which is kept.
DROP TRIGGER usage_is_never_deleted;

CREATE TABLE erasing (account_id TEXT PRIMARY KEY) STRICT;

CREATE TRIGGER usage_is_never_deleted BEFORE DELETE ON usage
WHEN NOT EXISTS (SELECT 1 FROM erasing WHERE account_id = OLD.account_id)
BEGIN
  SELECT RAISE(ABORT, 'usage is append-only');
END;

-- Erasures of accounts, and how far they are. `pseudonym` names the ledger that is kept; nothing says whose it was.
CREATE TABLE erasures (
  id TEXT PRIMARY KEY,
  pseudonym TEXT NOT NULL UNIQUE,
  phase TEXT NOT NULL,
  counts TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
