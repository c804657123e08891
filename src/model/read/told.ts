import type { FieldReading, SingleReading } from "#domain/field-reading.ts";
import type { TruncateRule } from "#domain/question.ts";

/** A field as it is told: where a text that was cut off is no value, it has none. */
export function told(reading: FieldReading, rule: TruncateRule): FieldReading {
  if (rule !== "null") return reading;
  return reading.kind === "list"
    ? { ...reading, items: reading.items.map(withoutCutOff) }
    : withoutCutOff(reading);
}

function withoutCutOff(reading: SingleReading): SingleReading {
  return reading.kind === "open" && reading.truncated ? { ...reading, value: null } : reading;
}
