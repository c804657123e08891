import { z } from "zod";
import { MAX_URL_LENGTH } from "./fetch.ts";
import {
  MAX_CANVAS,
  MAX_IMAGE_BYTES,
  MAX_IMAGES,
  MAX_MESSAGES,
  MAX_NAME_LENGTH,
  MAX_STOP_LENGTH,
  MAX_STOPS,
  MAX_TEXT_BYTES,
} from "./limits.ts";

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
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly x_unmask?: Readonly<Record<string, unknown>>;
}

export type ChatMessageBody =
  | { readonly role: "user"; readonly content: string | readonly (TextPart | PicturePart)[] }
  | {
      readonly role: "system" | "developer" | "assistant";
      readonly content: string | readonly TextPart[];
    };

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

export interface PicturePart {
  readonly type: "image_url";
  /** `url`: a data URI or an https address. */
  readonly image_url: { readonly url: string; readonly detail?: "low" | "high" | "auto" };
}

/** Threat: parts without end in one message. Room for every picture with a text before and behind it. */
const MAX_PARTS: number = 2 * MAX_IMAGES + 1;

const text = z.string().max(MAX_TEXT_BYTES);
// The longest text that can hold the largest picture, with the head of a data URI.
const pictureUrl = z
  .string()
  .min(1)
  .max(Math.ceil((MAX_IMAGE_BYTES * 4) / 3) + 256)
  .refine(
    (url) => url.startsWith("data:") || url.length <= MAX_URL_LENGTH,
    `an address has ${MAX_URL_LENGTH} characters at most`,
  );
const textPart = z.object({ type: z.literal("text"), text });
const picturePart = z.object({
  type: z.literal("image_url"),
  image_url: z.object({ url: pictureUrl, detail: z.enum(["low", "high", "auto"]).exactOptional() }),
});
const userPart = z.discriminatedUnion("type", [textPart, picturePart], {
  error: "a part is of type text or image_url",
});
const userContent = z.union([text, z.array(userPart).min(1).max(MAX_PARTS)]);
const textContent = z.union([text, z.array(textPart).min(1).max(MAX_PARTS)]);
const message = z.discriminatedUnion(
  "role",
  [
    z.object({ role: z.literal("user"), content: userContent }),
    z.object({ role: z.enum(["system", "developer", "assistant"]), content: textContent }),
  ],
  { error: "role is system, developer, user or assistant: the model calls no tools" },
);
const stop = z.string().max(MAX_STOP_LENGTH);
const tokens = z.int().min(1);

/** Schema of the body. */
export const chatSchema: z.ZodType<ChatBody> = z
  .object({
    model: z.string().min(1).max(MAX_NAME_LENGTH).exactOptional(),
    messages: z.array(message).min(1).max(MAX_MESSAGES),
    max_completion_tokens: tokens.exactOptional().meta({
      description: `The canvas: positions to fill, all of which are computed and paid. Above ${MAX_CANVAS} it is ${MAX_CANVAS}; absent it is 32.`,
    }),
    max_tokens: tokens.exactOptional(),
    temperature: z.number().exactOptional().meta({ description: "Absent it is 0." }),
    seed: z.int().exactOptional(),
    stop: z.union([stop, z.array(stop).max(MAX_STOPS)]).exactOptional(),
    stream: z.boolean().exactOptional(),
    stream_options: z.object({ include_usage: z.boolean().exactOptional() }).exactOptional(),
    x_unmask: z.record(z.string(), z.unknown()).exactOptional().meta({
      description:
        "Options of an answer request that chats do not have, such as steps or deadline_ms.",
    }),
  })
  .meta({ id: "ChatRequest" });
