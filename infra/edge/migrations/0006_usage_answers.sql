-- How many answers a charge was for: a batch is charged as one. A refund is a row of its own, of no answers and less than
-- nothing, on the day of the charge that it lowers.
ALTER TABLE usage ADD COLUMN answers INTEGER NOT NULL DEFAULT 1;
