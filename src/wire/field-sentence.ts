import type * as z from "zod";

/**
 * Says what is wrong with one field and what would be right, as the rest of "<field>: …". Schemas that know more say it
 * themselves; this is for those that say nothing, so that no validator's own words reach a caller.
 */
export function fieldSentence(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is missing" : `must be ${typeName(issue.expected)}`;
    case "invalid_value":
      return `must be ${oneOf(issue.values)}`;
    case "too_big":
      return bound(issue.origin, issue.maximum, issue.inclusive === false ? "below" : "at most");
    case "too_small":
      if (issue.origin === "string" && Number(issue.minimum) === 1) return "must not be empty";
      return bound(issue.origin, issue.minimum, issue.inclusive === false ? "above" : "at least");
    case "invalid_format":
      return `must be ${formatNames.get(String(issue.format)) ?? "text of another form"}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return UNKNOWN_FIELD;
    case "invalid_union":
      return issue.options === undefined
        ? "has none of the forms that are possible here"
        : `must say ${issue.discriminator}: ${oneOf(issue.options)}`;
    case "invalid_key":
      return "has a name in it that is not allowed";
    case "invalid_element":
      return "has an item in it that is not allowed";
    case "custom":
      return "is not possible here";
    default:
      return issue satisfies never;
  }
}

export const UNKNOWN_FIELD = "unknown field";

/** Types that JSON has; the schemas know no others. */
const typeNames: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["null", "null"],
  ["array", "a list"],
  ["tuple", "a list"],
  ["object", "an object"],
  ["record", "an object"],
]);

function typeName(expected: string): string {
  return typeNames.get(expected) ?? "of another type";
}

const formatNames: ReadonlyMap<string, string> = new Map([
  ["datetime", "a time in UTC, such as 2026-01-02T03:04:05Z"],
  ["date", "a day, such as 2026-01-02"],
  ["url", "an address, such as https://shop.example/"],
  ["base64", "base64 (RFC 4648 section 4)"],
]);

function bound(origin: string, limit: number | bigint, relation: string): string {
  const unit = units.get(origin);
  if (unit === undefined) return `must be ${relation} ${limit}`;
  return `must have ${relation} ${limit} ${Number(limit) === 1 ? unit.slice(0, -1) : unit}`;
}

const units: ReadonlyMap<string, string> = new Map([
  ["string", "characters"],
  ["array", "items"],
]);

/** Texts as they stand in JSON, so that "1" and 1 are told apart. */
function oneOf(values: unknown): string {
  const possible: readonly unknown[] = Array.isArray(values) ? values : [];
  const names = possible.map((value) =>
    typeof value === "string" ? JSON.stringify(value) : String(value),
  );
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}
