import * as z from "zod";
import { FIELD_LIMITS, type OpenField } from "#domain/fields.ts";
import type { SchemaNode } from "./node.ts";
import { obeys } from "./rules.ts";
import type { ValueForm } from "./shape.ts";
import type { SchemaWalk } from "./walk.ts";

/** Tokens of a text that says no length: a label. */
const USUAL_TOKENS = 12;

/** Characters that a token has at least, on the average: what does not fit is cut off. */
const CHARACTERS_A_TOKEN = 2;

/** A field that is written, with how its value stands in JSON. */
export interface Written {
  readonly field: OpenField;
  readonly form: ValueForm;
}

const itself: ValueForm = { of: "itself" };

/** RFC 3339 has no time without a zone. What a picture shows has none, so it is told as UTC. */
const utc: ValueForm = { of: "text", suffix: "Z" };

const formats: ReadonlyMap<unknown, Written> = new Map<unknown, Written>([
  ["date", { field: { type: "date" }, form: itself }],
  ["time", { field: { type: "time", seconds: true }, form: utc }],
  ["date-time", { field: { type: "datetime", seconds: true }, form: utc }],
]);

/**
 * Patterns that zod writes for dates and times, of which it names some by no format at all. Other patterns are not held: to run one of
 * a caller's may take for ever.
 */
const patterns: ReadonlyMap<unknown, Written> = new Map<unknown, Written>([
  [patternOf(z.iso.date()), { field: { type: "date" }, form: itself }],
  ...[z.iso.time(), z.iso.time({ precision: 0 })].map((schema): [unknown, Written] => [
    patternOf(schema),
    { field: { type: "time", seconds: true }, form: itself },
  ]),
  [
    patternOf(z.iso.time({ precision: -1 })),
    { field: { type: "time", seconds: false }, form: itself },
  ],
  ...[
    z.iso.datetime(),
    z.iso.datetime({ offset: true }),
    z.iso.datetime({ precision: 0 }),
    z.iso.datetime({ precision: 0, offset: true }),
  ].map((schema): [unknown, Written] => [
    patternOf(schema),
    { field: { type: "datetime", seconds: true }, form: utc },
  ]),
  ...[z.iso.datetime({ local: true }), z.iso.datetime({ local: true, offset: true })].map(
    (schema): [unknown, Written] => [
      patternOf(schema),
      { field: { type: "datetime", seconds: true }, form: itself },
    ],
  ),
]);

function patternOf(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema).pattern;
}

/** Reads a free text, a date or a time. */
export function textOf(node: SchemaNode, walk: SchemaWalk): Written | undefined {
  const { keywords, pointer } = node;
  const [format, pattern] = [keywords.get("format"), keywords.get("pattern")];
  const written = pattern === undefined ? formats.get(format?.value) : patterns.get(pattern.value);
  const own = pattern !== undefined ? ["format"] : ["maxLength"];
  if (written !== undefined)
    return obeys(node, ["type", "format", "pattern"], walk) ? written : undefined;
  if (!obeys(node, ["type", ...own], walk)) return undefined;
  const length = keywords.get("maxLength");
  if (length === undefined) {
    walk.assume(pointer, `has room for ${USUAL_TOKENS} tokens`);
    return { field: { type: "text", maxTokens: USUAL_TOKENS }, form: { of: "text" } };
  }
  const { value: maxLength } = length;
  if (typeof maxLength !== "number" || !Number.isInteger(maxLength) || maxLength < 0)
    return walk.refuse(length.pointer, "must be a whole number, 0 or more");
  const tokens = Math.max(1, Math.ceil(maxLength / CHARACTERS_A_TOKEN));
  const maxTokens = Math.min(tokens, FIELD_LIMITS.textTokens);
  return { field: { type: "text", maxTokens }, form: { of: "text", maxLength } };
}
