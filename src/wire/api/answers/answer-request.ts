import * as z from "zod";
import { type AnswerMode, answerModes } from "#domain/modes.ts";
import { type TruncateRule, truncateRules } from "#domain/question.ts";
import {
  MAX_ALTERNATIVES,
  MAX_CANVAS,
  MAX_DEADLINE_MS,
  MAX_IMAGES,
  MAX_MESSAGES,
  MAX_NAME_LENGTH,
  MAX_SEED,
  MAX_STOP_LENGTH,
  MAX_STOPS,
  MAX_SUFFIX_LENGTH,
  MAX_TEMPERATURE,
  MAX_TEXT_BYTES,
} from "../../limits.ts";
import { type AskedRetentionBody, askedRetentionSchema } from "../retention-body.ts";
import { type WebhookBody, webhookBodySchema } from "../webhook-body.ts";
import { type FieldsBody, fieldsBodySchema } from "./fields/fields-body.ts";
import { type ImageBody, imageBodySchema, tooManyPictures } from "./image-body.ts";

/** Body of `POST /v1/answers` beside the pictures; a form sends the same names as text. */
export interface AnswerFields {
  /** Which model; the usual one, or the only one that is served, when absent. */
  readonly model?: string;
  /** One of `question` and `messages`; beside `fields` what is said about the pictures, and neither is needed. */
  readonly question?: string;
  readonly messages?: readonly MessageBody[];
  /** Values to read off the pictures, in place of an answer in words. In a form: the object as JSON. */
  readonly fields?: FieldsBody;
  /** Of fields: a guess that is less likely is no value, 0 (default) … 1. */
  readonly abstain_below?: number;
  /** Of fields: the most passes that write the open ones of a canvas; as many as its longest has tokens when absent. */
  readonly passes?: number;
  /** Of fields: what becomes of a text that its room cuts off; `keep` when absent. */
  readonly on_truncate?: TruncateRule;
  readonly detail?: "low" | "auto";
  readonly canvas?: number;
  /** As many as `canvas` when absent. */
  readonly steps?: number;
  /** The whole `canvas` when absent. */
  readonly block_length?: number;
  /** The model's own when absent; see GET /v1/models. */
  readonly mode?: AnswerMode;
  /** Of mode `cached`: steps from one computing of the prompt to the next. */
  readonly refresh?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly stop?: string | readonly string[];
  readonly suffix?: string;
  /** Refuses before any work what would cost more. */
  readonly max_price_micros?: number;
  /** The `card` of a quote: refuses before any work where the model would be asked and priced by another one. */
  readonly card?: string;
  /** Events instead of one reply; so does `Accept: text/event-stream`. */
  readonly stream?: boolean;
  /** How many other tokens its frames tell of each place that is written, 0 (default) … 3. The answer and its price are the same. */
  readonly alternatives?: number;
  /** After so many milliseconds the answer is told as it stands, `partial`, and the steps that ran are charged. */
  readonly deadline_ms?: number;
  /** An address that is told the answer, besides the account's endpoints. In a form: the address, or the object as JSON. */
  readonly webhook?: WebhookBody;
  /** Whose equal questions share the answer: `private` the account's (default), `shared` everybody's who says so too, `off` nobody's. */
  readonly cache?: "private" | "shared" | "off";
  /** False: nothing of question and answer stays once it was delivered; so it is neither replayed nor cached. */
  readonly store?: boolean;
  /** Shorter times than the account's. In a form: the object as JSON. */
  readonly retention?: AskedRetentionBody;
}

/** JSON body of `POST /v1/answers`. */
export interface AnswerRequestBody extends AnswerFields {
  /** At most one of `image` and `images`. They stand before the user's first message. */
  readonly image?: ImageBody;
  readonly images?: readonly ImageBody[];
}

/** Body of `POST /v1/quotes` for a picture of this size; everything else as in an answer request. */
export interface SizeRequestBody
  extends Omit<
    AnswerFields,
    | "messages"
    | "card"
    | "stream"
    | "alternatives"
    | "deadline_ms"
    | "webhook"
    | "cache"
    | "store"
    | "retention"
  > {
  /** Pixels of one picture, upright. */
  readonly width: number;
  readonly height: number;
  /** UTF-8 bytes of the question to come; those of `question` when absent. */
  readonly text_bytes?: number;
}

export interface MessageBody {
  readonly role: "system" | "user" | "assistant";
  /** May be empty but in the last message: a message that says nothing is passed over. */
  readonly content: string;
  /** Pictures that this message of the user brings; instead of `image` and `images` beside the messages. */
  readonly images?: readonly ImageBody[];
}

const positive = z.int().min(1).max(MAX_CANVAS);
const text = z.string().regex(/\S/, "must not be blank").max(MAX_TEXT_BYTES);
const stop = z.string().min(1).max(MAX_STOP_LENGTH);

const fields = {
  model: z.string().min(1).max(MAX_NAME_LENGTH).exactOptional().meta({
    description:
      "Which model: see GET /v1/models. The usual one when absent, or the only one that is served.",
  }),
  question: text.exactOptional().meta({
    description:
      "What is asked. One of question and messages; beside fields it is what you say about the pictures, and may be absent.",
    example: "What is this?",
  }),
  fields: fieldsBodySchema.exactOptional(),
  abstain_below: z.number().min(0).max(1).exactOptional().meta({
    description: "Of fields: a guess that is less likely than this is no value. Default 0.",
  }),
  passes: positive.exactOptional().meta({
    description:
      "Of fields: the most passes that write those whose value is written, of one canvas. Default: as many as the longest of them has tokens. Fewer cost less and write more at once.",
  }),
  on_truncate: z.enum(truncateRules).exactOptional().meta({
    description:
      "Of fields: what becomes of a text that its max_tokens cut off. keep (default): it stays, and truncated says so. widen: it is written once more with twice the room, which is priced. null: it is no value.",
  }),
  messages: z
    .array(
      z
        .strictObject({
          role: z.enum(["system", "user", "assistant"]),
          content: z.string().max(MAX_TEXT_BYTES),
          images: z.array(imageBodySchema).max(MAX_IMAGES, tooManyPictures).exactOptional().meta({
            description:
              "Pictures that this message of the user brings, in place of image or images beside the messages.",
          }),
        })
        .meta({ id: "Message" }),
    )
    .min(1)
    .max(MAX_MESSAGES)
    .exactOptional()
    .meta({ description: "A conversation that ends with the user. In a form: the list as JSON." }),
  detail: z
    .enum(["low", "auto"])
    .exactOptional()
    .meta({ description: "low: one view of the picture. auto (default): the model's own policy." }),
  canvas: positive.exactOptional().meta({
    description:
      "Positions to fill, the most tokens an answer can have. Default, recommendation and limit are the model's: see GET /v1/models. Beyond its recommendation it is taken with a warning.",
    example: 32,
  }),
  steps: positive.exactOptional().meta({
    description:
      "Passes over the canvas, a hard ceiling. Default: as many as canvas. At most canvas, and a multiple of the number of blocks.",
    example: 32,
  }),
  block_length: positive.exactOptional().meta({
    description:
      "Positions per block, a divisor of canvas. Default: the model's own (see GET /v1/models), or somewhat fewer where those do not fit canvas and steps, or the whole canvas.",
  }),
  mode: z.enum(answerModes).exactOptional().meta({
    description:
      "exact: every step computes everything. cached: what was computed of the prompt is kept for some steps. fast: so too, and a step writes more where more is clear, so that it may end early; its price is that of all steps. Default: the model's own, see GET /v1/models.",
  }),
  refresh: positive.exactOptional().meta({
    description:
      "Of mode cached: steps from one computing of the prompt to the next. Fewer are nearer to exact and cost more. Default and limit are the model's: see GET /v1/models.",
  }),
  temperature: z.number().min(0).max(MAX_TEMPERATURE).exactOptional().meta({
    description: "0 (default) takes the likeliest tokens; above 0 adds noise drawn from seed.",
  }),
  seed: z
    .int()
    .min(0)
    .max(MAX_SEED)
    .exactOptional()
    .meta({ description: "Default 0: equal requests get equal answers." }),
  stop: z
    .union([stop, z.array(stop).max(MAX_STOPS)])
    .exactOptional()
    .meta({
      description: "The answer ends before the first of these texts in it, wherever tokens begin.",
    }),
  suffix: z
    .string()
    .min(1)
    .max(MAX_SUFFIX_LENGTH)
    .exactOptional()
    .meta({ description: "Text fixed behind the canvas, seen from the first step on." }),
  max_price_micros: z.int().min(0).exactOptional().meta({
    description: "Refuses with price_above_maximum, before any work, what would cost more.",
  }),
  card: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "is no card of a quote")
    .exactOptional()
    .meta({
      description:
        "The card of a quote: refuses with card_changed, before any work, where the model would be asked and priced by another one by now. So the quote is the charge, whatever was changed in between.",
    }),
  stream: z.boolean().exactOptional().meta({
    description: "true: server-sent events answer.started, answer.frame …, answer.completed.",
  }),
  alternatives: z.int().min(0).max(MAX_ALTERNATIVES).exactOptional().meta({
    description:
      "How many of the likeliest other tokens each answer.frame tells beside a token that it reveals, 0 (default) to 3. The answer, its digest and its price are the same. An answer from the cache has no frames, and one that takes part in the work of an equal question tells what that one asked for.",
  }),
  deadline_ms: z.int().min(0).max(MAX_DEADLINE_MS).exactOptional().meta({
    description:
      "After so many milliseconds the answer is told as it stands, with status partial; the steps that ran are charged.",
  }),
  webhook: webhookBodySchema
    .exactOptional()
    .meta({ description: "An address that is told the answer, besides the account's endpoints." }),
  cache: z.enum(["private", "shared", "off"]).exactOptional().meta({
    description:
      "Whose equal questions share the answer: the account's (default), everybody's who says so too, nobody's.",
  }),
  store: z.boolean().exactOptional().meta({
    description:
      "false: nothing of question and answer stays once it was delivered, ten minutes after its end at the latest; what a webhook is told, an hour at most. Such an answer is neither taken from the cache nor put there, cannot be replayed, and a repeated Idempotency-Key is told answer_not_kept. It costs what its quote says.",
  }),
  retention: askedRetentionSchema.exactOptional().meta({
    description: "Shorter times than the account's, for this answer.",
  }),
};

/** Schema of the text fields of a form. */
export const answerFieldsSchema: z.ZodType<AnswerFields> = z.strictObject(fields);

const allFields = {
  ...fields,
  image: imageBodySchema.exactOptional().meta({
    description:
      "A JPEG, PNG, WebP, GIF or AVIF file as base64 or data URI, its address, or the id of an upload.",
    example: {
      data: "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC",
    },
  }),
  images: z.array(imageBodySchema).max(MAX_IMAGES, tooManyPictures).exactOptional().meta({
    description:
      "Several pictures, in the order in which they are spoken of. They stand before the user's first message.",
  }),
};

/** The schema of each field of the JSON body, for bodies that have some of them. */
export const answerRequestFields: Readonly<Record<keyof AnswerRequestBody, z.ZodType>> = allFields;

/** Schema of the JSON body. */
export const answerRequestSchema: z.ZodType<AnswerRequestBody> = z
  .strictObject(allFields)
  .meta({ id: "AnswerRequest" });

/** Schema of the form, for the API's description. */
export const answerFormSchema: z.ZodType<AnswerFields> = z
  .strictObject({
    ...fields,
    image: z
      .array(z.string().meta({ type: "string", format: "binary" }))
      .max(MAX_IMAGES, tooManyPictures)
      .exactOptional()
      .meta({ description: "Picture files, one part each." }),
  })
  .meta({ id: "AnswerForm" });

/** Largest side of a picture that a JPEG can state. */
const MAX_SIDE = 65_535;

const side = z.int().min(1).max(MAX_SIDE);
const {
  messages: _messages,
  card: _card,
  stream: _stream,
  alternatives: _alternatives,
  deadline_ms: _deadline,
  webhook: _webhook,
  cache: _cache,
  store: _store,
  retention: _retention,
  ...sizedFields
} = fields;

/** Schema of a body that gives a picture's size in place of the picture. */
export const sizeRequestSchema: z.ZodType<SizeRequestBody> = z
  .strictObject({
    ...sizedFields,
    width: side.meta({ description: "Pixels across of one picture, upright.", example: 1200 }),
    height: side.meta({ description: "Pixels down.", example: 800 }),
    text_bytes: z.int().min(0).max(MAX_TEXT_BYTES).exactOptional().meta({
      description: "UTF-8 bytes of the question to come; those of question when absent.",
    }),
  })
  .meta({ id: "SizeRequest" });
