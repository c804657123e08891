import * as z from "zod";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { MAX_IMAGES, MAX_NAME_LENGTH } from "../../../limits.ts";
import { namedValues } from "../../../named-values.ts";
import { pictureUrl } from "../../shown-picture.ts";
import { type Content, contentSchema } from "../data-text.ts";
import { assetsSchema, type SystemOneAssets } from "./systemone-assets.ts";

/**
 * Body of `POST /v1/systemone`, which Jev's clients send. Sources: the types of @typesafe-ai/sdk 0.6.0; of `assets`, those of its Python
 * client typesafe-sdk 0.7.5; of `images`, `steps`, `samples`, `think` and `sequential`, which are extensions of OpenJev's, its README and
 * `openjev/api.py` (razorback16/openjev).
 */
export interface SystemOneBody {
  readonly model?: string;
  /** What every question is about besides the pictures; null for nothing. */
  readonly state: Content | null;
  readonly questions: Readonly<Record<string, SystemOneQuestion>>;
  readonly images?: readonly SystemOneImage[] | null;
  readonly assets?: SystemOneAssets | null;
  readonly steps?: number | null;
  readonly samples?: number | null;
  readonly think?: number | null;
  readonly sequential?: boolean | null;
  readonly x_unmask?: Readonly<Record<string, unknown>>;
}

/** A data URI or an https address, or base64. */
export type SystemOneImage = string | { readonly content_type: string; readonly base64: string };

export type SystemOneQuestion =
  | (Asked & {
      /** How likely is it? */
      readonly type: "noul";
      readonly criteria?: {
        readonly true?: Content | null;
        readonly false?: Content | null;
      } | null;
    })
  | (Asked & {
      readonly type: "choice";
      /** Labels, and what each means. */
      readonly criteria: Readonly<Record<string, Content | null>>;
    })
  | (Asked & {
      readonly type: "score";
      /** Levels from the lowest to the highest; null leaves one undescribed. */
      readonly criteria: readonly (Content | null)[];
    });

interface Asked {
  readonly instructions?: Content | null;
}

const content = contentSchema.nullable();
const instructions = content.exactOptional();

const question = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("noul"),
    instructions,
    criteria: z
      .strictObject({ true: content.exactOptional(), false: content.exactOptional() })
      .nullable()
      .exactOptional(),
  }),
  z.strictObject({ type: z.literal("choice"), instructions, criteria: namedValues(content) }),
  z.strictObject({
    type: z.literal("score"),
    instructions,
    criteria: z.array(content).min(2).max(FIELD_LIMITS.options),
  }),
]);

/** One reading is one pass and draws no lots: more of either would be the same numbers again, or another product. */
const onePass = "closed questions are read in one pass; leave it out, or send 1";
const noThought = "the model reads its answers and writes nothing before; leave it out, or send 0";
const together = "all questions are read together; leave it out, or send false";

const fields = {
  model: z.string().min(1).max(MAX_NAME_LENGTH).exactOptional().meta({
    description:
      "A name of GET /v1/models. jev-latest and jev-preview, which clients send by themselves, are the usual model.",
  }),
  state: content.meta({ description: "What every question is about besides the pictures." }),
  questions: namedValues(question).meta({
    description: `1 to ${FIELD_LIMITS.fields} questions by names of your own.`,
  }),
  images: z
    .array(
      z.union([
        pictureUrl,
        z.strictObject({ content_type: z.string().max(MAX_NAME_LENGTH), base64: z.string() }),
      ]),
    )
    .max(MAX_IMAGES)
    .nullable()
    .exactOptional()
    .meta({ description: "Pictures: data URIs, https addresses, or base64 with its type." }),
  assets: assetsSchema.nullable().exactOptional(),
  steps: z.literal([1, null], onePass).exactOptional(),
  samples: z.int().min(1).max(32).nullable().exactOptional().meta({
    description: "Passed over: a reading draws no lots, so that the mean of many is the first.",
  }),
  think: z.literal([0, null], noThought).exactOptional(),
  sequential: z.literal([false, null], together).exactOptional(),
  x_unmask: z.record(z.string(), z.unknown()).exactOptional().meta({
    description: "Options of an answer request, such as max_price_micros or cache.",
  }),
};

/** Schema of the body. */
export const systemOneSchema: z.ZodType<SystemOneBody> = z
  .strictObject(fields)
  .meta({ id: "SystemOneRequest" });
