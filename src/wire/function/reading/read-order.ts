import * as z from "zod";
import { checkNamedFields, orderFailure } from "#domain/check-fields.ts";
import type { Failure } from "#domain/failure.ts";
import { FIELD_LIMITS, type NamedField, type SingleField } from "#domain/fields.ts";
import { type ReadOrder, truncateRules } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { MAX_CANVAS } from "../../limits.ts";

const said = z.string().max(FIELD_LIMITS.instructionsLength);
const instructions = said.exactOptional();
const options = z
  .array(
    z.strictObject({
      value: z.string().max(FIELD_LIMITS.optionLength),
      description: said.exactOptional(),
    }),
  )
  .max(FIELD_LIMITS.options);
const bound = z.number();
const required = z.literal(true).exactOptional();

const singles = [
  z.strictObject({
    type: z.literal("boolean"),
    instructions,
    criteria: z
      .strictObject({ true: said.exactOptional(), false: said.exactOptional() })
      .exactOptional(),
  }),
  z.strictObject({ type: z.literal("choice"), instructions, options, none: z.boolean() }),
  z.strictObject({ type: z.literal("score"), instructions, levels: options }),
  z.strictObject({
    type: z.literal("number"),
    instructions,
    required,
    minimum: bound,
    maximum: bound,
    decimals: z.int(),
  }),
  z.strictObject({ type: z.literal("date"), instructions, required }),
  z.strictObject({ type: z.literal("time"), instructions, required, seconds: z.boolean() }),
  z.strictObject({ type: z.literal("datetime"), instructions, required, seconds: z.boolean() }),
  z.strictObject({ type: z.literal("text"), instructions, required, maxTokens: z.int() }),
] as const;

const single: z.ZodType<SingleField> = z.discriminatedUnion("type", singles);

const namedField: z.ZodType<NamedField> = z.strictObject({
  name: z.string().max(FIELD_LIMITS.nameLength),
  field: z.discriminatedUnion("type", [
    ...singles,
    z.strictObject({ type: z.literal("list"), instructions, items: single, maxItems: z.int() }),
    z.strictObject({
      type: z.literal("answers"),
      instructions,
      answers: z.array(z.string().max(FIELD_LIMITS.answerLength)).max(FIELD_LIMITS.answers),
      method: z.enum(["joint", "chain"]),
      canvas: z.int().min(1).max(MAX_CANVAS).exactOptional(),
    }),
  ]),
});

/** Schema of what is to be read, on the hop and where a question is kept. It stands there as the domain has it; `checkReadOrder` checks what no schema can. */
export const readOrderSchema: z.ZodType<ReadOrder> = z.strictObject({
  fields: z.array(namedField).min(1).max(FIELD_LIMITS.fields),
  abstainBelow: z.number().min(0).max(1),
  openPasses: z.int().min(1).max(MAX_CANVAS).exactOptional(),
  onTruncate: z.enum(truncateRules),
});

/** Refuses fields that make no sense. */
export function checkReadOrder(order: ReadOrder): Result<void, Failure> {
  const checked = checkNamedFields(order.fields);
  return checked.ok ? ok(undefined) : refuse(orderFailure(order, checked.refusal));
}
