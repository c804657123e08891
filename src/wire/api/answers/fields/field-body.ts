import * as z from "zod";
import type { FieldReading, ReadField, UnfinishedReading } from "#domain/field-reading.ts";

/** A field of an answer as it was read. */
export type FieldBody = ClosedFieldBody | OpenFieldBody | ListFieldBody | UnfinishedFieldBody;

/** A field whose value is one of a few. */
export interface ClosedFieldBody {
  readonly type: "boolean" | "choice" | "score" | "number" | "answers";
  /** Null where it abstains, or where none of the options is the likeliest. */
  readonly value: string | number | boolean | null;
  /** The likeliest of the options, whatever is thought of it. */
  readonly guess: string | number | boolean;
  readonly probabilities: readonly {
    readonly value: string | number | boolean;
    readonly probability: number;
  }[];
  /** Of the guess; of a boolean that of true. */
  readonly probability: number;
  readonly confidence: number;
  readonly label_mass: number | null;
  readonly p_none: number | null;
  readonly abstained: boolean;
  /** Of a score alone: the mean of the levels' indices by probability. */
  readonly score?: number;
  /** Of answers alone, in their order: natural logarithms of how likely the model is to give each. */
  readonly log_probabilities?: readonly number[];
}

/** A field whose value was written. */
export interface OpenFieldBody {
  readonly type: "number" | "date" | "time" | "datetime" | "text";
  readonly value: string | number | null;
  readonly probability: number | null;
  readonly token_min: number | null;
  readonly p_none: number | null;
  readonly truncated: boolean;
}

export interface ListFieldBody {
  readonly type: "list";
  readonly value: readonly (string | number | boolean | null)[];
  readonly items: readonly (ClosedFieldBody | OpenFieldBody)[];
  /** How likely each count is, from 0. */
  readonly counts: readonly number[];
}

/** A field that the deadline cut off. */
export interface UnfinishedFieldBody {
  readonly type: string;
  readonly value: null;
  readonly unfinished: true;
}

/** Renders the fields of an answer by their names. A name like `__proto__` is a member as any. */
export function fieldBodies(fields: readonly ReadField[]): Readonly<Record<string, FieldBody>> {
  return Object.fromEntries(fields.map(({ name, reading }) => [name, fieldBody(reading)]));
}

/** Renders what a field was read as. */
export function fieldBody(reading: FieldReading | UnfinishedReading): FieldBody {
  switch (reading.kind) {
    case "closed":
    case "open":
      return singleBody(reading);
    case "list": {
      const { type, items, counts } = reading;
      const value = items.map((item) => item.value);
      return { type, value, items: items.map(singleBody), counts };
    }
    case "unfinished":
      return { type: reading.type, value: null, unfinished: true };
    default:
      return reading satisfies never;
  }
}

function singleBody(
  reading: Exclude<FieldReading, { readonly kind: "list" }>,
): ClosedFieldBody | OpenFieldBody {
  if (reading.kind === "closed") {
    const { kind: _, labelMass: label_mass, pNone: p_none, logProbabilities, ...same } = reading;
    return {
      ...{ ...same, label_mass, p_none },
      ...(logProbabilities === undefined ? {} : { log_probabilities: logProbabilities }),
    };
  }
  const { kind: _, tokenMin: token_min, pNone: p_none, ...same } = reading;
  return { ...same, token_min, p_none };
}

const probability = z.number().min(0).max(1);
const value = z.union([z.string(), z.number(), z.boolean()]);
const pNone = probability.nullable();

const closed = z
  .strictObject({
    type: z.enum(["boolean", "choice", "score", "number", "answers"]),
    value: value.nullable().meta({
      description:
        "Null where it abstains, or where none of the options is the likeliest: guess is there all the same.",
    }),
    guess: value.meta({ description: "The likeliest of the options." }),
    probabilities: z
      .array(z.strictObject({ value, probability }))
      .meta({ description: "Of each option in order. They sum to 1 − p_none." }),
    probability: probability.meta({ description: "Of the guess; of a boolean that of true." }),
    confidence: probability.meta({
      description: "Of a boolean max(p, 1 − p), of anything else 1 − H / ln K.",
    }),
    label_mass: probability.nullable().meta({
      description:
        "Share of the probability of all words that the options had together: near 0 says that the model would rather have written something else. Null where options are read in several canvases, being of several lengths or too many for one.",
    }),
    p_none: pNone.meta({ description: "Of none of these; null where that was no option." }),
    abstained: z.boolean().meta({
      description: "Whether the guess was less likely than abstain_below, and so is no value.",
    }),
    score: z
      .number()
      .exactOptional()
      .meta({ description: "Of a score: the mean of the levels' indices by probability." }),
    log_probabilities: z.array(z.number()).exactOptional().meta({
      description:
        "Of answers (POST /v1/scores): natural logarithms of how likely the model is to give each, whatever the others are.",
    }),
  })
  .meta({ id: "ClosedFieldReading", description: "A field whose value is one of a few." });

const open = z
  .strictObject({
    type: z.enum(["number", "date", "time", "datetime", "text"]),
    value: z.union([z.string(), z.number()]).nullable().meta({
      description: "Null where the picture does not show it.",
    }),
    probability: probability.nullable().meta({
      description: "Likelihood of what was written, as it was written; null where nothing was.",
    }),
    token_min: probability
      .nullable()
      .meta({ description: "Likelihood of the least likely of its tokens." }),
    p_none: pNone.meta({ description: "Of there being no value; null where that was not asked." }),
    truncated: z.boolean().meta({ description: "Whether a text was cut off for want of room." }),
  })
  .meta({ id: "OpenFieldReading", description: "A field whose value was written." });

const list = z.strictObject({
  type: z.literal("list"),
  value: z.array(value.nullable()),
  items: z.array(z.union([closed, open])),
  counts: z.array(probability).meta({ description: "How likely each count of items is, from 0." }),
});

const unfinished = z.strictObject({
  type: z.string(),
  value: z.null(),
  unfinished: z.literal(true).meta({
    description: "The answer ended, or was asked after, before it was known.",
  }),
});

/** Schema of a field of an answer, for the API's description and for tests that hold replies to it. */
export const fieldBodySchema: z.ZodType<FieldBody> = z
  .union([closed, open, list, unfinished])
  .meta({ id: "FieldReading" });

/** A field of an answer with its name beside it. */
export type NamedFieldBody = { readonly field: string } & FieldBody;

const named = { field: z.string().meta({ description: "Its name." }) };

/** Schema of a field that is known, by itself. */
export const namedFieldBodySchema: z.ZodType<NamedFieldBody> = z.union([
  closed.extend(named),
  open.extend(named),
  list.extend(named),
]);
