import * as z from "zod";
import type { ReadField, SingleReading } from "#domain/field-reading.ts";
import { FIELD_LIMITS } from "#domain/fields.ts";

const probability = z.number().min(0).max(1);
// An option; or what was written: a token is a few characters, and 256 leaves room for the longest entry of any vocabulary.
const text = z.string().max(FIELD_LIMITS.textTokens * 2 * 256);
const value = z.union([text, z.number(), z.boolean()]);

const closed = z.strictObject({
  kind: z.literal("closed"),
  type: z.enum(["boolean", "choice", "score", "number", "answers"]),
  value: value.nullable(),
  guess: value,
  probabilities: z.array(z.strictObject({ value, probability })).max(FIELD_LIMITS.options),
  probability,
  confidence: probability,
  labelMass: probability.nullable(),
  pNone: probability.nullable(),
  abstained: z.boolean(),
  score: z.number().min(0).max(FIELD_LIMITS.options).exactOptional(),
  logProbabilities: z.array(z.number().max(0)).max(FIELD_LIMITS.answers).exactOptional(),
});

const open = z.strictObject({
  kind: z.literal("open"),
  type: z.enum(["number", "date", "time", "datetime", "text"]),
  value: z.union([text, z.number()]).nullable(),
  probability: probability.nullable(),
  tokenMin: probability.nullable(),
  pNone: probability.nullable(),
  truncated: z.boolean(),
});

const single: z.ZodType<SingleReading> = z.discriminatedUnion("kind", [closed, open]);

/** Schema of a field as it was read: on the hop from function to edge, and where the edge keeps it. It stands there as the domain has it. */
export const readFieldSchema: z.ZodType<ReadField> = z.strictObject({
  name: z.string().max(FIELD_LIMITS.nameLength),
  reading: z.discriminatedUnion("kind", [
    closed,
    open,
    z.strictObject({
      kind: z.literal("list"),
      type: z.literal("list"),
      items: z.array(single).max(FIELD_LIMITS.items),
      counts: z.array(probability).max(FIELD_LIMITS.items + 1),
    }),
    z.strictObject({
      kind: z.literal("unfinished"),
      type: z.enum([
        "boolean",
        "choice",
        "score",
        "number",
        "date",
        "time",
        "datetime",
        "text",
        "list",
        "answers",
      ]),
    }),
  ]),
});
