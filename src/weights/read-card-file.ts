import * as z from "zod";
import { fieldTypes } from "#domain/fields.ts";
import { OBJECT_SLOT, type PlacesCard } from "#domain/places.ts";
import type { ReadCard, ReadStyle, Temperatures } from "#domain/read-style.ts";
import { MAX_GRID_SIDE, MAX_NUMBER_WORDS, MAX_TEMPERATURE, MAX_VOCABULARY } from "./limits.ts";
import { parseAs } from "./parse-json.ts";
import { sentence } from "./sentence.ts";

const style: z.ZodType<ReadStyle> = z.discriminatedUnion("style", [
  z.strictObject({ style: z.literal("lines") }),
  z.strictObject({
    style: z.literal("sentence"),
    yes: sentence,
    no: sentence,
    numbers: z.array(sentence).min(1).max(MAX_NUMBER_WORDS).readonly().exactOptional(),
  }),
]);

const temperatures: z.ZodType<Temperatures> = z.partialRecord(
  z.enum(fieldTypes),
  z.number().positive().max(MAX_TEMPERATURE),
);

const side = z.number().int().min(1).max(MAX_GRID_SIDE);

const places: z.ZodType<PlacesCard> = z
  .strictObject({
    columns: side,
    rows: side,
    cells: z.array(sentence).readonly(),
    question: sentence.includes(OBJECT_SLOT),
  })
  .refine(({ columns, rows, cells }) => cells.length === columns * rows, "has a name for each cell")
  .refine(({ cells }) => new Set(cells).size === cells.length, "has one name twice");

/** Schema of a manifest's `read`. */
export const readCardSchema: z.ZodType<ReadCard> = z.strictObject({
  style,
  filler: z.number().int().min(0).max(MAX_VOCABULARY),
  neutral: z.boolean().exactOptional(),
  temperatures: temperatures.exactOptional(),
  places: places.exactOptional(),
});

/** Reads the same as a file of its own, from hostile bytes. Throws WeightsError `manifest_invalid` that says what is wrong where. */
export function parseReadCard(bytes: Uint8Array, address: string): ReadCard {
  return parseAs(readCardSchema, bytes, address, "says nothing that can be used");
}
