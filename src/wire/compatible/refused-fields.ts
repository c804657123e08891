import * as z from "zod";
import type { FieldProblem } from "#domain/failure.ts";
import { UNKNOWN_FIELD } from "../field-sentence.ts";

/** What cannot be done, with what asks for nothing and so is let pass. */
export interface RefusedField {
  readonly why: string;
  readonly harmless: z.ZodType;
}

/** What becomes of the fields of another API's body. */
export interface FieldTable {
  /** Given a meaning. */
  readonly used: readonly string[];
  /** They would change nothing here: read, and passed over. */
  readonly ignored: readonly string[];
  readonly refused: ReadonlyMap<string, RefusedField>;
}

/** Nothing, where a list is expected. */
export const emptyList: z.ZodType<readonly never[]> = z.array(z.never()).max(0);

export const noTools = "the model calls no tools and no functions; ask for the answer itself";

export const noLogprobs =
  "positions are filled in any order, so there is no probability of a next token; x_unmask.tokens has each token's confidence";

/** Of both APIs of OpenAI. */
export const topPRefused: RefusedField = {
  why: "noise is added to all logits of a canvas, none are cut off; use temperature",
  harmless: z.literal(1),
};

/** What may be sent without asking for anything: fields that are passed over, and the harmless values of the others. */
export function harmlessFields({
  ignored,
  refused,
}: FieldTable): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries([
    ...ignored.map((name) => [name, z.unknown()] as const),
    ...[...refused].map(([name, { harmless }]) => [name, harmless] as const),
  ]);
}

/** Names each field that asks for what a masked-diffusion model cannot do, and each that nobody knows. Null asks for nothing. */
export function refusedFields(
  body: Readonly<Record<string, unknown>>,
  { used, ignored, refused }: FieldTable,
): FieldProblem[] {
  return Object.entries(body)
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => {
      const field = refused.get(name);
      if (field !== undefined)
        return field.harmless.safeParse(value).success
          ? []
          : [{ pointer: `/${name}`, message: field.why }];
      return used.includes(name) || ignored.includes(name)
        ? []
        : [{ pointer: `/${name.slice(0, 64)}`, message: UNKNOWN_FIELD }];
    });
}
