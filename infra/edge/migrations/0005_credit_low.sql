-- Below this much available credit the account is told; null: it is not. The ledger objects keep what they go by.
ALTER TABLE accounts ADD COLUMN credit_low_micros INTEGER;
