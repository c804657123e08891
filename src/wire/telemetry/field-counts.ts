import * as z from "zod";
import { type FieldType, fieldTypes } from "#domain/fields.ts";

/** Types of fields as they are counted: those that a request names, and the answers of `POST /v1/scores`. */
export const countedTypes: readonly (FieldType | "answers")[] = [...fieldTypes, "answers"];

/**
 * How a field came out. `read` has a value · `none`: no option was it, or the picture does not show it · `abstained`: the guess was not
 * sure enough · `truncated`: a text had too little room · `unfinished`: the deadline came first.
 */
export const fieldOutcomes = ["read", "none", "abstained", "truncated", "unfinished"] as const;

export type FieldOutcome = (typeof fieldOutcomes)[number];

/** How many fields of a type came out so. Neither names nor values: both would be the caller's. */
export interface FieldCount {
  readonly type: FieldType | "answers";
  readonly outcome: FieldOutcome;
  readonly count: number;
}

export const fieldCountsSchema: z.ZodType<readonly FieldCount[]> = z
  .array(
    z.object({
      type: z.enum(countedTypes),
      outcome: z.enum(fieldOutcomes),
      count: z.int().positive(),
    }),
  )
  .max(countedTypes.length * fieldOutcomes.length);
