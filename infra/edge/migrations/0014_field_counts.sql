-- How the fields of answers came out, for `GET /v1/metrics`. `fields`: how many of an ended answer's came out how, as JSON
-- (`[{"type":"boolean","outcome":"read","count":2}]`), without their names and values; null where it has none, or an earlier version listed it.
ALTER TABLE answers ADD COLUMN fields TEXT;

CREATE TABLE field_totals (
  model TEXT NOT NULL,
  type TEXT NOT NULL,
  outcome TEXT NOT NULL,
  fields INTEGER NOT NULL,
  PRIMARY KEY (model, type, outcome)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER fields_end_with_their_row AFTER INSERT ON answers WHEN NEW.ended_at IS NOT NULL AND NEW.fields IS NOT NULL
BEGIN
  INSERT INTO field_totals (model, type, outcome, fields)
    SELECT NEW.model, value ->> 'type', value ->> 'outcome', value ->> 'count' FROM json_each(NEW.fields) WHERE true
    ON CONFLICT (model, type, outcome) DO UPDATE SET fields = fields + excluded.fields;
END;

CREATE TRIGGER fields_end AFTER UPDATE OF ended_at ON answers
WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.fields IS NOT NULL
BEGIN
  INSERT INTO field_totals (model, type, outcome, fields)
    SELECT NEW.model, value ->> 'type', value ->> 'outcome', value ->> 'count' FROM json_each(NEW.fields) WHERE true
    ON CONFLICT (model, type, outcome) DO UPDATE SET fields = fields + excluded.fields;
END;
