import * as z from "zod";
import {
  MAX_IMAGES,
  MAX_MESSAGES,
  MAX_NAME_LENGTH,
  MAX_TEMPERATURE,
  MAX_TEXT_BYTES,
} from "../../limits.ts";
import { nullable } from "../foreign-body.ts";
import { MAX_PARTS, type PictureDetail, pictureDetail, pictureUrl } from "../shown-picture.ts";
import { type JsonFormatBody, textFormatSchema } from "./response-format.ts";
import { harmlessResponseFields } from "./response-refusals.ts";

/** Body of `POST /v1/responses`, without the fields that are passed over or refused (`response-refusals.ts`). */
export interface ResponseRequestBody {
  readonly model?: string;
  readonly input?: string | readonly InputItemBody[];
  /** A system message before the whole conversation, of this request alone. */
  readonly instructions?: string;
  readonly max_output_tokens?: number;
  readonly temperature?: number;
  /** The response that is gone on from, with what it was asked. */
  readonly previous_response_id?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** False: nothing of it stays once it was told. */
  readonly store?: boolean;
  /** True: told at once with its id, to be come back for. */
  readonly background?: boolean;
  readonly stream?: boolean;
  readonly include?: readonly string[];
  readonly text?: { readonly format?: { readonly type: "text" } | JsonFormatBody | null };
  readonly x_unmask?: Readonly<Record<string, unknown>>;
}

export type InputItemBody = InputMessageBody | ItemReferenceBody;

export type InputMessageBody =
  | {
      readonly type?: "message" | undefined;
      readonly role: "user";
      readonly content: string | readonly (InputTextPart | InputPicturePart)[];
    }
  | {
      readonly type?: "message" | undefined;
      readonly role: "system" | "developer" | "assistant";
      readonly content: string | readonly (InputTextPart | InputRefusalPart)[];
    };

/** A message that was told before, by its id. */
export interface ItemReferenceBody {
  readonly type: "item_reference";
  readonly id: string;
}

/** `output_text`: what was told of an earlier answer, sent back. */
export interface InputTextPart {
  readonly type: "input_text" | "output_text";
  readonly text: string;
}

/** What another model declined with. */
export interface InputRefusalPart {
  readonly type: "refusal";
  readonly refusal: string;
}

/** A picture by one of its address, a data URI or https, and the id of its upload. */
export interface InputPicturePart {
  readonly type: "input_image";
  readonly image_url?: string | null;
  readonly file_id?: string | null;
  readonly detail?: PictureDetail | null;
}

/** Pairs, characters of a name and of a text. Source: platform.openai.com/docs/api-reference/responses/create, metadata. Threat: they are kept with the answer. */
const MAX_METADATA = { pairs: 16, name: 64, text: 512 } as const;

const text = z.string().max(MAX_TEXT_BYTES);
const id = z.string().min(1).max(MAX_NAME_LENGTH);

const inputText = z.object({ type: z.enum(["input_text", "output_text"]), text });
const inputRefusal = z.object({ type: z.literal("refusal"), refusal: text });
const inputPicture = z
  .object({
    type: z.literal("input_image"),
    image_url: pictureUrl.nullable().exactOptional(),
    file_id: id.nullable().exactOptional().meta({ description: "Of an upload, img_…." }),
    detail: pictureDetail.nullable().exactOptional(),
  })
  .refine(({ image_url, file_id }) => (image_url == null) !== (file_id == null), {
    error: "brings one of image_url and file_id",
  });
const noFiles = "a part is of type input_text or input_image";
const userPart = z.discriminatedUnion("type", [inputText, inputPicture], { error: noFiles });
const spokenPart = z.discriminatedUnion("type", [inputText, inputRefusal], {
  error: "a part is of type input_text or output_text: only a message of the user shows pictures",
});
const userParts = z
  .array(userPart)
  .refine((parts) => parts.filter(({ type }) => type === "input_image").length <= MAX_IMAGES, {
    error: `brings more pictures than ${MAX_IMAGES}, the most of one question`,
    abort: true,
  });
const message = z.discriminatedUnion(
  "role",
  [
    z.object({
      type: z.literal("message").optional(),
      role: z.literal("user"),
      content: z.union([text, userParts.max(MAX_PARTS)]),
    }),
    z.object({
      type: z.literal("message").optional(),
      role: z.enum(["system", "developer", "assistant"]),
      content: z.union([text, z.array(spokenPart).max(MAX_PARTS)]),
    }),
  ],
  { error: "role is system, developer, user or assistant" },
);
const reference = z.object({ type: z.literal("item_reference"), id });
const item = z.discriminatedUnion("type", [message, reference]);

const metadata = z
  .record(z.string().max(MAX_METADATA.name), z.string().max(MAX_METADATA.text))
  .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA.pairs, {
    error: `has more than ${MAX_METADATA.pairs} pairs`,
  });

const fields = {
  model: z.string().min(1).max(MAX_NAME_LENGTH).exactOptional(),
  input: z
    .union([text, z.array(item).min(1).max(MAX_MESSAGES)])
    .exactOptional()
    .meta({
      description:
        "A question, or the messages of a conversation that ends with the user. A message need not say its type. item_reference stands for a message that was told before.",
    }),
  instructions: text.exactOptional().meta({
    description: "A system message before the whole conversation, of this request alone.",
  }),
  max_output_tokens: z.int().min(1).exactOptional().meta({
    description:
      "A ceiling. The canvas, whose positions are all computed and paid, is this long, but no longer than the model's card recommends (GET /v1/models); absent it is the card's default. x_unmask.canvas may ask for a longer one.",
  }),
  temperature: z
    .number()
    .min(0)
    .max(MAX_TEMPERATURE)
    .exactOptional()
    .meta({ description: "Absent it is 0." }),
  previous_response_id: id.exactOptional().meta({
    description:
      "Goes on from that response: what it was asked, without its instructions, and its answer stand before input. Possible while its question is kept, a day at the most.",
  }),
  metadata: metadata.exactOptional().meta({
    description: "Told with the response and kept as long as it: up to 16 texts by name.",
  }),
  store: z.boolean().exactOptional().meta({
    description:
      "false: nothing of question and answer stays once it was told; it is not cached, and nothing can go on from it.",
  }),
  background: z.boolean().exactOptional().meta({
    description: "true: told at once with its id; come back with GET /v1/responses/{id}.",
  }),
  stream: z.boolean().exactOptional(),
  include: z.array(z.string().max(MAX_NAME_LENGTH)).max(32).exactOptional(),
  text: z
    .strictObject({
      format: textFormatSchema.nullable().exactOptional().meta({
        description:
          "json_schema: the answer is the value that the schema describes, read off the picture, with each value's probabilities in x_unmask.fields; max_output_tokens says nothing then.",
      }),
      verbosity: z.unknown().exactOptional(),
    })
    .exactOptional(),
  x_unmask: z.record(z.string(), z.unknown()).exactOptional().meta({
    description:
      "Options of an answer request that responses do not have, such as seed, steps or deadline_ms.",
  }),
};

/** Schema of the body, without nulls and without what is passed over. */
export const responseRequestSchema: z.ZodType<ResponseRequestBody> = z.object(fields);

/** Schema of a whole body, for the API's description: null stands for what is left open, and what cannot be done may be sent as what asks for nothing. */
export const describedResponseSchema: z.ZodType = z
  .strictObject({ ...nullable(fields), ...nullable(harmlessResponseFields) })
  .meta({ id: "ResponseRequest" });
