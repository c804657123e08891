import * as z from "zod";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { namedValues } from "../../../named-values.ts";

/** The values that a request wants read off its pictures, by the names that the reply has them under. */
export type FieldsBody = Readonly<Record<string, AskedFieldBody>>;

/** What a value is, and what is asked for it. */
export type AskedFieldBody = AskedSingleBody | AskedListBody;

/** What a list may hold. */
export type AskedSingleBody =
  | AskedBooleanBody
  | AskedChoiceBody
  | AskedScoreBody
  | AskedNumberBody
  | AskedDateBody
  | AskedTimeBody
  | AskedTextBody;

interface AskedBody {
  /** What the model is asked, in words. Absent: the name is all it has. */
  readonly instructions?: string;
}

interface WrittenBody extends AskedBody {
  /** Something is written whatever the picture shows, and whether it shows it is not asked. */
  readonly required?: boolean;
}

export interface AskedBooleanBody extends AskedBody {
  readonly type: "boolean";
  /** What each side means, where "yes" and "no" do not say it. */
  readonly criteria?: { readonly true?: string; readonly false?: string };
}

/** Options in order: texts alone or with what they mean. As an object each with its meaning or null. */
export type OptionsBody =
  | readonly (string | { readonly value: string; readonly description?: string | null })[]
  | Readonly<Record<string, string | null>>;

export interface AskedChoiceBody extends AskedBody {
  readonly type: "choice";
  readonly criteria: OptionsBody;
  /** Whether "none of these" is an option too: the value is null then. */
  readonly none?: boolean;
}

export interface AskedScoreBody extends AskedBody {
  readonly type: "score";
  /** Levels from the lowest to the highest. */
  readonly criteria: OptionsBody;
}

export interface AskedNumberBody extends WrittenBody {
  readonly type: "number";
  readonly minimum: number;
  readonly maximum: number;
  /** As `decimals: 0`. */
  readonly integer?: boolean;
  /** Digits behind the point at most; 0 when absent. */
  readonly decimals?: number;
}

export interface AskedDateBody extends WrittenBody {
  readonly type: "date";
}

export interface AskedTimeBody extends WrittenBody {
  readonly type: "time" | "datetime";
  readonly seconds?: boolean;
}

export interface AskedTextBody extends WrittenBody {
  readonly type: "text";
  /** Room for it, in tokens; 12 when absent. */
  readonly max_tokens?: number;
}

export interface AskedListBody extends AskedBody {
  readonly type: "list";
  readonly items: AskedSingleBody;
  readonly max_items: number;
}

// Empty ones, and options that are the same text, are refused with all else that needs a look at the whole (`check-fields.ts`).
const said = z.string().max(FIELD_LIMITS.instructionsLength);
const option = z.string().max(FIELD_LIMITS.optionLength);

const instructions = said.exactOptional().meta({
  description: "What the model is asked, in words. The name is all it has when absent.",
  example: "Is the product visibly damaged?",
});

const options: z.ZodType<OptionsBody> = z
  .union([
    z
      .array(
        z.union([
          option,
          z.strictObject({ value: option, description: said.nullable().exactOptional() }),
        ]),
      )
      .max(FIELD_LIMITS.options),
    namedValues(said.nullable()),
  ])
  .meta({
    description:
      "The options in their order: a list of texts, or of objects with value and description; or an object of each option's description, null for none. Members of an object whose names are whole numbers come first, ascending: where their order matters, send a list.",
  });

const required = z.boolean().exactOptional().meta({
  description:
    "true: something is written whatever the picture shows, so that the value is never null. Else it is asked first whether the picture shows it.",
});

const bound = z.number();

const singles = [
  z.strictObject({
    type: z.literal("boolean"),
    instructions,
    criteria: z
      .strictObject({ true: said.exactOptional(), false: said.exactOptional() })
      .exactOptional()
      .meta({ description: "What each side means, where yes and no do not say it." }),
  }),
  z.strictObject({
    type: z.literal("choice"),
    instructions,
    criteria: options,
    none: z.boolean().exactOptional().meta({
      description: "true: none of these is an option too, and the value is null then.",
    }),
  }),
  z.strictObject({
    type: z.literal("score"),
    instructions,
    criteria: options.meta({ description: "The levels, from the lowest to the highest." }),
  }),
  z.strictObject({
    type: z.literal("number"),
    instructions,
    required,
    minimum: bound,
    maximum: bound,
    integer: z.boolean().exactOptional().meta({ description: "As decimals: 0." }),
    decimals: z
      .int()
      .min(0)
      .max(FIELD_LIMITS.decimals)
      .exactOptional()
      .meta({ description: "Digits behind the point at most. Default 0." }),
  }),
  z.strictObject({ type: z.literal("date"), instructions, required }),
  z.strictObject({
    type: z.enum(["time", "datetime"]),
    instructions,
    required,
    seconds: z.boolean().exactOptional(),
  }),
  z.strictObject({
    type: z.literal("text"),
    instructions,
    required,
    max_tokens: z
      .int()
      .min(1)
      .max(FIELD_LIMITS.textTokens)
      .exactOptional()
      .meta({ description: "Room for it. Default 12." }),
  }),
] as const;

const singleSchema: z.ZodType<AskedSingleBody> = z
  .discriminatedUnion("type", singles)
  .meta({ id: "SingleField" });

/** Schema of one field of a request. */
export const askedFieldSchema: z.ZodType<AskedFieldBody> = z
  .discriminatedUnion("type", [
    ...singles,
    z.strictObject({
      type: z.literal("list"),
      instructions,
      items: singleSchema,
      max_items: z.int().min(1).max(FIELD_LIMITS.items),
    }),
  ])
  .meta({ id: "Field", description: "A value that is read off the pictures." });

/** Schema of the fields of a request. */
export const fieldsBodySchema: z.ZodType<FieldsBody> = namedValues(askedFieldSchema).meta({
  description: `1 to ${FIELD_LIMITS.fields} values that are read off the pictures, in place of an answer in words, by names of letters, digits, _, . and -. The answer is their values as JSON in this order. In a form: the object as JSON.`,
});
