import * as z from "zod";
import {
  MAX_IMAGES,
  MAX_MESSAGES,
  MAX_NAME_LENGTH,
  MAX_STOP_LENGTH,
  MAX_STOPS,
  MAX_TEXT_BYTES,
} from "../limits.ts";
import { harmlessChatFields } from "./chat-refusals.ts";
import { nullable } from "./foreign-body.ts";
import { MAX_PARTS, type PictureDetail, pictureDetail, pictureUrl } from "./shown-picture.ts";
import { responseFormatSchema, toolChoiceSchema, toolsSchema } from "./structured/wanted-json.ts";

/** Body of `POST /v1/chat/completions`, without the fields that are passed over or refused (`chat-refusals.ts`). */
export interface ChatBody {
  readonly model?: string;
  readonly messages: readonly ChatMessageBody[];
  readonly max_completion_tokens?: number;
  /** What older clients call `max_completion_tokens`. */
  readonly max_tokens?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly stop?: string | readonly string[];
  /** False: nothing of it stays once it was told. */
  readonly store?: boolean;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly x_unmask?: Readonly<Record<string, unknown>>;
}

/** Content may be missing in what comes before the last message: clients send back what they were told, and what they left open. */
export type ChatMessageBody =
  | {
      readonly role: "user";
      readonly content?: string | readonly (TextPart | PicturePart)[] | null;
    }
  | {
      readonly role: "system" | "developer" | "assistant";
      readonly content?: string | readonly (TextPart | RefusalPart)[] | null;
      /** What was read before, as arguments of the function that was forced. */
      readonly tool_calls?: readonly ChatCallBody[] | null;
    }
  /** What the caller's function said of what was read; taken where a function is forced or a schema sent. */
  | { readonly role: "tool"; readonly content?: string | readonly TextPart[] | null };

export interface ChatCallBody {
  readonly function: { readonly arguments: string };
}

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

/** What another model declined with, in an assistant's message. */
export interface RefusalPart {
  readonly type: "refusal";
  readonly refusal: string;
}

export interface PicturePart {
  readonly type: "image_url";
  /** `url`: a data URI or an https address. */
  readonly image_url: {
    readonly url: string;
    readonly detail?: PictureDetail | null;
  };
}

/** Threat: calls without end in one message. Here one answer makes one. */
const MAX_CALLS = 16;

const text = z.string().max(MAX_TEXT_BYTES);
const textPart = z.object({ type: z.literal("text"), text });
const refusalPart = z.object({ type: z.literal("refusal"), refusal: text });
const picturePart = z.object({
  type: z.literal("image_url"),
  image_url: z.object(
    {
      url: pictureUrl,
      detail: pictureDetail.nullable().exactOptional(),
    },
    'must be an object: {"url": "data:image/png;base64,…"}, or with an https address',
  ),
});
const userPart = z.discriminatedUnion("type", [textPart, picturePart], {
  error: "a part is of type text or image_url",
});
const spokenPart = z.discriminatedUnion("type", [textPart, refusalPart], {
  error: "a part is of type text: only a message of the user shows pictures",
});
const userParts = z
  .array(userPart)
  .refine((parts) => parts.filter(({ type }) => type === "image_url").length <= MAX_IMAGES, {
    error: `brings more pictures than ${MAX_IMAGES}, the most of one question`,
    abort: true,
  });
const userContent = z.union([text, userParts.max(MAX_PARTS)]);
const spokenContent = z.union([text, z.array(spokenPart).max(MAX_PARTS)]);
/** What is told of a role that a message cannot have. */
export const NO_ROLE = "role is system, developer, user or assistant: the model calls no tools";

const call = z.object({ function: z.object({ arguments: text }) });
const message = z.discriminatedUnion(
  "role",
  [
    z.object({ role: z.literal("user"), content: userContent.nullable().exactOptional() }),
    z.object({
      role: z.enum(["system", "developer", "assistant"]),
      content: spokenContent.nullable().exactOptional(),
      tool_calls: z.array(call).max(MAX_CALLS).nullable().exactOptional(),
    }),
    z.object({
      role: z.literal("tool"),
      content: z
        .union([text, z.array(textPart).max(MAX_PARTS)])
        .nullable()
        .exactOptional(),
    }),
  ],
  { error: NO_ROLE },
);
const stop = z.string().max(MAX_STOP_LENGTH);
const tokens = z.int().min(1);

const fields = {
  model: z.string().min(1).max(MAX_NAME_LENGTH).exactOptional(),
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  max_completion_tokens: tokens.exactOptional().meta({
    description:
      "A ceiling. The canvas, whose positions are all computed and paid, is this long, but no longer than the model's card recommends (GET /v1/models); absent it is the card's default. x_unmask.canvas may ask for a longer one.",
  }),
  max_tokens: tokens.exactOptional(),
  temperature: z.number().exactOptional().meta({ description: "Absent it is 0." }),
  seed: z.int().exactOptional(),
  stop: z.union([stop, z.array(stop).max(MAX_STOPS)]).exactOptional(),
  store: z.boolean().exactOptional().meta({
    description:
      "false: nothing of question and answer stays once it was told; it is not cached either.",
  }),
  stream: z.boolean().exactOptional(),
  stream_options: z.object({ include_usage: z.boolean().exactOptional() }).exactOptional(),
  x_unmask: z.record(z.string(), z.unknown()).exactOptional().meta({
    description:
      "Options of an answer request that chats do not have, such as steps or deadline_ms.",
  }),
};

const wanting = {
  response_format: responseFormatSchema.meta({
    description:
      "json_schema: the schema's values are read off the picture, and the message is the JSON that it describes (guide: structured output). text: as absent.",
  }),
  tools: toolsSchema.meta({
    description: "One function at most, which tool_choice forces: its parameters are read.",
  }),
  tool_choice: toolChoiceSchema,
};

/** Schema of the body, without nulls and without what is passed over. */
export const chatSchema: z.ZodType<ChatBody> = z.object(fields);

/** Schema of a whole body, for the API's description: null stands for what is left open, and what cannot be done may be sent as what asks for nothing. */
export const describedChatSchema: z.ZodType = z
  .strictObject({
    ...nullable(fields),
    messages: fields.messages,
    ...nullable(wanting),
    ...nullable(harmlessChatFields),
  })
  .meta({ id: "ChatRequest" });
