-- Who may see a row besides the account's keys: `sub:<subject>` of a client token that names one, else the token's id; null
-- is the account's own, asked with a key. What tokens asked before this stays with their keys.
ALTER TABLE answers ADD COLUMN owner TEXT;
ALTER TABLE batches ADD COLUMN owner TEXT;
ALTER TABLE usage ADD COLUMN owner TEXT;

CREATE INDEX answers_by_owner ON answers (account_id, owner, created_at DESC, id) WHERE owner IS NOT NULL;
CREATE INDEX batches_by_owner ON batches (account_id, owner, created_at DESC, id) WHERE owner IS NOT NULL;
