-- When a key was last used, to ten minutes; null: not since this was counted.
ALTER TABLE keys ADD COLUMN last_used_at INTEGER;

-- Whose credit a payment became: what comes later of it (refunds, disputes) names the payment alone.
CREATE TABLE payments (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id)
) STRICT;

-- Every event of a payment provider that is about money. `word` is what it says (null: it could not be understood); nothing of the
-- payer is kept. `applied`: the ledger has heard it · `parked`: nobody knows whose it is, `reason` says why · `received`: neither
-- yet, and the provider sends it again.
CREATE TABLE payment_events (
  id TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  type TEXT NOT NULL,
  payment_id TEXT,
  account_id TEXT,
  word TEXT,
  state TEXT NOT NULL CHECK (state IN ('received', 'parked', 'applied')),
  reason TEXT,
  received_at INTEGER NOT NULL
) STRICT;

CREATE INDEX payment_events_in_order ON payment_events (received_at DESC, id);
CREATE INDEX payment_events_open ON payment_events (payment_id) WHERE state <> 'applied';

-- Refusals that a key was told, counted by the Workers for a moment each; `id` makes a second delivery of the same count harmless.
CREATE TABLE refusals (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  day TEXT NOT NULL,
  code TEXT NOT NULL,
  count INTEGER NOT NULL
) STRICT;

CREATE INDEX refusals_by_day ON refusals (account_id, day, key_id, code, count);
