import * as z from "zod";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { MAX_MESSAGES, MAX_NAME_LENGTH, MAX_TEXT_BYTES } from "../../limits.ts";
import { type FieldTable, harmlessFields } from "../refused-fields.ts";
import { MAX_PARTS, type PictureDetail, pictureDetail, pictureUrl } from "../shown-picture.ts";
import { dataSchema } from "./data-text.ts";

/** Body of `POST /v1/decisions`, without what is passed over. Source: the types of openai 7.57.0, `resources/decisions`. */
export interface DecisionsBody {
  readonly model?: string;
  readonly input: string | readonly DecisionMessageBody[];
  /** In the order in which they are answered. */
  readonly questions: readonly DecisionQuestionBody[];
  readonly x_unmask?: Readonly<Record<string, unknown>>;
}

export type DecisionMessageBody =
  | { readonly role: "user"; readonly content: string | readonly InputPart[] }
  | {
      readonly role: "system" | "developer" | "assistant";
      readonly content: string | readonly SpokenPart[];
    };

export type InputPart = InputTextPart | InputJsonPart | InputImagePart;

export interface InputTextPart {
  readonly type: "input_text";
  readonly text: string;
}

/** Data that is shown as it is. */
export interface InputJsonPart {
  readonly type: "input_json";
  readonly data: object;
}

export interface InputImagePart {
  readonly type: "input_image";
  /** A data URI or an https address. */
  readonly image_url: string;
  readonly detail?: PictureDetail | null;
}

/** What was said without pictures; a refusal is what another model declined with. */
export type SpokenPart =
  | InputTextPart
  | { readonly type: "output_text"; readonly text: string }
  | { readonly type: "refusal"; readonly refusal: string };

export type DecisionQuestionBody = PredicateBody | ChoiceBody | ScoreBody;

interface Asked {
  /** Null or absent, the options are all that is said; only a predicate has none. */
  readonly instructions?: string | readonly (InputTextPart | InputJsonPart)[] | null;
  /** The caller's own name for it, told back. */
  readonly name?: string | null;
}

/** How likely is it that a statement is true? */
export interface PredicateBody extends Asked {
  readonly instructions: NonNullable<Asked["instructions"]>;
  readonly type: "predicate";
}

export interface ChoiceBody extends Asked {
  readonly type: "choice";
  readonly choices: readonly {
    readonly value: string | boolean;
    readonly description?: string | null;
  }[];
}

export interface ScoreBody extends Asked {
  readonly type: "score";
  /** From the lowest to the highest. */
  readonly levels: readonly { readonly label: string; readonly description?: string | null }[];
}

const text = z.string().max(MAX_TEXT_BYTES);
const said = z.string().regex(/\S/, "must not be blank").max(MAX_TEXT_BYTES);
const inputText = z.object({ type: z.literal("input_text"), text });
const inputJson = z.object({ type: z.literal("input_json"), data: dataSchema });
const inputImage = z.object({
  type: z.literal("input_image"),
  image_url: pictureUrl,
  detail: pictureDetail.nullable().exactOptional(),
});
const userPart = z.discriminatedUnion("type", [inputText, inputJson, inputImage], {
  error: "a part is of type input_text, input_image or input_json",
});
const spokenPart = z.discriminatedUnion(
  "type",
  [
    inputText,
    z.object({ type: z.literal("output_text"), text }),
    z.object({ type: z.literal("refusal"), refusal: text }),
  ],
  { error: "a part is text: only a message of the user shows pictures and data" },
);
const message = z.discriminatedUnion(
  "role",
  [
    z.object({
      role: z.literal("user"),
      content: z.union([text, z.array(userPart).max(MAX_PARTS)]),
    }),
    z.object({
      role: z.enum(["system", "developer", "assistant"]),
      content: z.union([text, z.array(spokenPart).max(MAX_PARTS)]),
    }),
  ],
  {
    error:
      "an item is a message with the role user, developer, system or assistant: the model calls no tools, so say what one told in a message",
  },
);

const instructions = z
  .union(
    [
      said,
      z
        .array(
          z.discriminatedUnion("type", [inputText, inputJson], {
            error:
              "a part of instructions is of type input_text or input_json: pictures stand in input, where every question sees them",
          }),
        )
        .min(1)
        .max(MAX_PARTS),
    ],
    { error: ({ input }) => (input === undefined ? "is missing" : undefined) },
  )
  .meta({ description: "What is asked, in words or as data. Pictures stand in input." });
const asked = {
  instructions: instructions.nullable().exactOptional(),
  name: z.string().max(MAX_NAME_LENGTH).nullable().exactOptional().meta({
    description: "Your own name for the question, told back with its answer.",
  }),
};
const described = { description: text.nullable().exactOptional() };
const question = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("predicate"), ...asked, instructions }),
  z.strictObject({
    type: z.literal("choice"),
    ...asked,
    choices: z
      .array(z.strictObject({ value: z.union([z.string(), z.boolean()]), ...described }))
      .min(2)
      .max(FIELD_LIMITS.options),
  }),
  z.strictObject({
    type: z.literal("score"),
    ...asked,
    levels: z
      .array(z.strictObject({ label: z.string(), ...described }))
      .min(2)
      .max(FIELD_LIMITS.options)
      .meta({ description: "From the lowest to the highest." }),
  }),
]);

const fields = {
  model: z.string().min(1).max(MAX_NAME_LENGTH).exactOptional(),
  input: z.union([text, z.array(message).min(1).max(MAX_MESSAGES)]).meta({
    description:
      "What every question is about: text, or messages with text, pictures and data. A picture's image_url is a data URI or an https address.",
  }),
  questions: z
    .array(question)
    .min(1)
    .max(FIELD_LIMITS.fields, {
      error: ({ input }) =>
        `has ${countOf(input)} questions, and ${FIELD_LIMITS.fields} are read at once: send the others in a request of their own`,
    }),
  x_unmask: z.record(z.string(), z.unknown()).exactOptional().meta({
    description:
      "Options of an answer request, such as abstain_below (a guess less likely than this is told as a refusal), max_price_micros or cache.",
  }),
};

/** What becomes of OpenAI's fields. */
export const decisionFields: FieldTable = {
  used: Object.keys(fields),
  ignored: ["prompt_cache_key", "prompt_cache_options", "safety_identifier"],
  refused: new Map(),
};

/** Schema of the body, without nulls and without what is passed over. */
export const decisionsSchema: z.ZodType<DecisionsBody> = z.object(fields);

/** Schema of a whole body, for the API's description. */
export const describedDecisionsSchema: z.ZodType = z
  .strictObject({
    ...fields,
    ...Object.fromEntries(
      Object.entries(harmlessFields(decisionFields)).map(([name, schema]) => [
        name,
        schema.exactOptional(),
      ]),
    ),
  })
  .meta({ id: "DecisionsRequest" });

function countOf(input: unknown): number {
  return Array.isArray(input) ? input.length : 0;
}
