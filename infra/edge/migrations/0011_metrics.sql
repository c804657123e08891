-- What `GET /v1/metrics` tells. Triggers keep the totals, so that whoever writes or deletes a row need not think of them, a second
-- delivery of a message counts nothing, and a scrape reads few rows however many there are. Times are milliseconds since 1970, money
-- whole micro-dollars.

-- Where each account's ledger stood when it said so last; the ledger objects stay the truth. `off_by`: by how much its books
-- disagree, 0 unless it is broken. `hold_expires_at`: when the first of its open holds is to be closed. `mid_*` and `base_*`: what was
-- charged in all by two earlier moments, half a day apart, from which `zero_at` is told: when the credit is gone at that rate.
CREATE TABLE account_standings (
  account_id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  available INTEGER NOT NULL,
  held INTEGER NOT NULL,
  revenue INTEGER NOT NULL,
  issuer INTEGER NOT NULL,
  owed INTEGER NOT NULL,
  off_by INTEGER NOT NULL,
  open_holds INTEGER NOT NULL,
  oldest_hold_at INTEGER,
  hold_expires_at INTEGER,
  mid_at INTEGER NOT NULL,
  mid_revenue INTEGER NOT NULL,
  base_at INTEGER NOT NULL,
  base_revenue INTEGER NOT NULL,
  zero_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX standings_off ON account_standings (off_by) WHERE off_by <> 0;
CREATE INDEX standings_by_oldest_hold ON account_standings (oldest_hold_at) WHERE oldest_hold_at IS NOT NULL;
CREATE INDEX standings_by_hold_expiry ON account_standings (hold_expires_at) WHERE hold_expires_at IS NOT NULL;
CREATE INDEX standings_by_zero ON account_standings (zero_at) WHERE zero_at IS NOT NULL;

CREATE TABLE standing_totals (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  accounts INTEGER NOT NULL,
  available INTEGER NOT NULL,
  held INTEGER NOT NULL,
  revenue INTEGER NOT NULL,
  issuer INTEGER NOT NULL,
  owed INTEGER NOT NULL,
  open_holds INTEGER NOT NULL
) STRICT;
INSERT INTO standing_totals (one, accounts, available, held, revenue, issuer, owed, open_holds) VALUES (1, 0, 0, 0, 0, 0, 0, 0);

CREATE TRIGGER standing_is_added AFTER INSERT ON account_standings
BEGIN
  UPDATE standing_totals SET accounts = accounts + 1, available = available + NEW.available, held = held + NEW.held,
    revenue = revenue + NEW.revenue, issuer = issuer + NEW.issuer, owed = owed + NEW.owed, open_holds = open_holds + NEW.open_holds;
END;

CREATE TRIGGER standing_is_changed AFTER UPDATE ON account_standings
BEGIN
  UPDATE standing_totals SET available = available + NEW.available - OLD.available, held = held + NEW.held - OLD.held,
    revenue = revenue + NEW.revenue - OLD.revenue, issuer = issuer + NEW.issuer - OLD.issuer, owed = owed + NEW.owed - OLD.owed,
    open_holds = open_holds + NEW.open_holds - OLD.open_holds;
END;

CREATE TRIGGER standing_is_deleted AFTER DELETE ON account_standings
BEGIN
  UPDATE standing_totals SET accounts = accounts - 1, available = available - OLD.available, held = held - OLD.held,
    revenue = revenue - OLD.revenue, issuer = issuer - OLD.issuer, owed = owed - OLD.owed, open_holds = open_holds - OLD.open_holds;
END;

-- What each account's webhook object has still to deliver, and what it has given up and keeps, when it said so last.
CREATE TABLE webhook_backlogs (
  account_id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  oldest_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX backlogs_by_oldest ON webhook_backlogs (oldest_at) WHERE oldest_at IS NOT NULL;

CREATE TABLE backlog_totals (one INTEGER PRIMARY KEY CHECK (one = 1), waiting INTEGER NOT NULL, failed INTEGER NOT NULL) STRICT;
INSERT INTO backlog_totals (one, waiting, failed) VALUES (1, 0, 0);

CREATE TRIGGER backlog_is_added AFTER INSERT ON webhook_backlogs
BEGIN
  UPDATE backlog_totals SET waiting = waiting + NEW.waiting, failed = failed + NEW.failed;
END;

CREATE TRIGGER backlog_is_changed AFTER UPDATE ON webhook_backlogs
BEGIN
  UPDATE backlog_totals SET waiting = waiting + NEW.waiting - OLD.waiting, failed = failed + NEW.failed - OLD.failed;
END;

CREATE TRIGGER backlog_is_deleted AFTER DELETE ON webhook_backlogs
BEGIN
  UPDATE backlog_totals SET waiting = waiting - OLD.waiting, failed = failed - OLD.failed;
END;

-- How replays came out; `id` is the second answer's.
CREATE TABLE replays (
  id TEXT PRIMARY KEY,
  replay_of TEXT NOT NULL,
  account_id TEXT NOT NULL,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_that_differ ON replays (at) WHERE outcome = 'different';

-- Messages of the usage queue that no delivery could copy, kept until a person has looked at them.
CREATE TABLE dead_messages (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  dead_at INTEGER NOT NULL
) STRICT;

-- Sums since the beginning, which only rise.
CREATE TABLE model_totals (
  model TEXT PRIMARY KEY,
  charges INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  charged_micros INTEGER NOT NULL,
  refunded_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER usage_is_counted AFTER INSERT ON usage
BEGIN
  INSERT INTO model_totals (model, charges, steps, charged_micros, refunded_micros)
    VALUES (NEW.model, iif(NEW.charged_micros < 0, 0, 1), NEW.steps, max(0, NEW.charged_micros), max(0, -NEW.charged_micros))
    ON CONFLICT (model) DO UPDATE SET charges = charges + excluded.charges, steps = steps + excluded.steps,
      charged_micros = charged_micros + excluded.charged_micros, refunded_micros = refunded_micros + excluded.refunded_micros;
END;

INSERT INTO model_totals (model, charges, steps, charged_micros, refunded_micros)
  SELECT model, sum(charged_micros >= 0), sum(steps), sum(max(0, charged_micros)), sum(max(0, -charged_micros)) FROM usage GROUP BY model;

-- `milliseconds`: from when answers were asked to when they ended, in all.
CREATE TABLE answer_totals (
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  answers INTEGER NOT NULL,
  milliseconds INTEGER NOT NULL,
  PRIMARY KEY (model, outcome)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER answer_ends_with_its_row AFTER INSERT ON answers WHEN NEW.ended_at IS NOT NULL
BEGIN
  INSERT INTO answer_totals (model, outcome, answers, milliseconds)
    VALUES (NEW.model, NEW.status, 1, max(0, NEW.ended_at - NEW.created_at))
    ON CONFLICT (model, outcome) DO UPDATE SET answers = answers + 1, milliseconds = milliseconds + excluded.milliseconds;
END;

CREATE TRIGGER answer_ends AFTER UPDATE OF ended_at ON answers WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
BEGIN
  INSERT INTO answer_totals (model, outcome, answers, milliseconds)
    VALUES (NEW.model, NEW.status, 1, max(0, NEW.ended_at - NEW.created_at))
    ON CONFLICT (model, outcome) DO UPDATE SET answers = answers + 1, milliseconds = milliseconds + excluded.milliseconds;
END;

CREATE TABLE refusal_totals (code TEXT PRIMARY KEY, refusals INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER refusal_is_counted AFTER INSERT ON refusals
BEGIN
  INSERT INTO refusal_totals (code, refusals) VALUES (NEW.code, NEW.count)
    ON CONFLICT (code) DO UPDATE SET refusals = refusals + excluded.refusals;
END;

INSERT INTO refusal_totals (code, refusals) SELECT code, sum(count) FROM refusals GROUP BY code;

CREATE TABLE replay_totals (outcome TEXT PRIMARY KEY, replays INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER replay_is_counted AFTER INSERT ON replays
BEGIN
  INSERT INTO replay_totals (outcome, replays) VALUES (NEW.outcome, 1)
    ON CONFLICT (outcome) DO UPDATE SET replays = replays + 1;
END;
