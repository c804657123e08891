import * as z from "zod";
import { type FieldType, fieldTypes } from "#domain/fields.ts";
import type { PlacesCard } from "#domain/places.ts";
import type { ReadStyle } from "#domain/read-style.ts";

/** How values are read off pictures by a model. */
export interface ReadBody {
  readonly style: ReadStyle;
  /** Types of fields whose probabilities were fitted to how often they are right; of another they are what the model gives. */
  readonly fitted: readonly FieldType[];
  /** How it says where something is; absent: it was not trained to, or its function does not know. */
  readonly places?: PlacesCard;
}

/** Threat: a function that is not ours tells the words, and each field is priced by their bytes. */
const MAX_SENTENCE = 512;
const MAX_NUMBER_WORDS = 256;
const MAX_GRID_SIDE = 15;

const sentence = z
  .string()
  .min(1)
  .max(MAX_SENTENCE)
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, "holds characters that cannot be seen");

/** Schema of how a model is asked for values. */
export const readStyleSchema: z.ZodType<ReadStyle> = z.discriminatedUnion("style", [
  z.object({ style: z.literal("lines") }),
  z.object({
    style: z.literal("sentence"),
    yes: sentence,
    no: sentence,
    numbers: z.array(sentence).min(1).max(MAX_NUMBER_WORDS).exactOptional(),
  }),
]);

const side = z.int().min(1).max(MAX_GRID_SIDE);

const placesSchema: z.ZodType<PlacesCard> = z
  .object({
    columns: side,
    rows: side,
    cells: z.array(sentence),
    question: sentence.regex(/\{object\}/, "names no {object}"),
  })
  .refine(
    ({ columns, rows, cells }) => cells.length === columns * rows,
    "has a name for each cell",
  );

/** Reads it from what a function tells. */
export const readBodySchema: z.ZodType<ReadBody> = z.object({
  style: readStyleSchema,
  fitted: z.array(z.enum(fieldTypes)).max(fieldTypes.length),
  places: placesSchema.exactOptional(),
});

/** The same as a caller sees it: the words that are read are the model's own business. */
export interface ToldReading {
  readonly style: ReadStyle["style"];
  readonly fitted: readonly FieldType[];
  /** Columns and rows of the grid by whose cells it says where something is; null where it cannot. */
  readonly places: { readonly columns: number; readonly rows: number } | null;
}

/** Schema of it in the public API. */
export const toldReadingSchema: z.ZodType<ToldReading> = z.strictObject({
  style: z.enum(["lines", "sentence"]).meta({
    description:
      "lines: all fields in one prompt and one canvas, so any number of closed fields takes one pass. sentence: each field as a question of its own, for models that answer one thing at a time.",
  }),
  fitted: z.array(z.enum(fieldTypes)).meta({
    description:
      "Types of fields whose probabilities were fitted to how often they are right. Of another type they are what the model gives, which may be too sure.",
  }),
  places: z.strictObject({ columns: z.int(), rows: z.int() }).nullable().meta({
    description:
      "Columns and rows of the grid by whose cells it says where something is (POST /v1/point, /v1/detect); null where it was not trained to, and those are refused.",
  }),
});
