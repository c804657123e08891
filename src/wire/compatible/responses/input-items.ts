import * as z from "zod";
import { type Message, picturesByMessage } from "#domain/question.ts";
import { emptyList } from "../refused-fields.ts";
import { inputId } from "./response-id.ts";

/** A message of what a response was asked, as OpenAI's clients read it. Pictures are named and not sent back. */
export type ListedItemBody =
  | {
      readonly id: string;
      readonly type: "message";
      readonly role: "user" | "system";
      readonly status: "completed";
      readonly content: readonly (
        | { readonly type: "input_text"; readonly text: string }
        | {
            readonly type: "input_image";
            readonly detail: "low" | "auto";
            readonly image_url: null;
            readonly file_id: null;
          }
      )[];
    }
  | {
      readonly id: string;
      readonly type: "message";
      readonly role: "assistant";
      readonly status: "completed";
      readonly content: readonly [
        {
          readonly type: "output_text";
          readonly text: string;
          readonly annotations: readonly never[];
          readonly logprobs: readonly never[];
        },
      ];
    };

/** A page of them. */
export interface InputItemsBody {
  readonly object: "list";
  readonly data: readonly ListedItemBody[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** What of a question is listed. */
export interface AskedMessages {
  readonly messages: readonly Message[];
  readonly pictures: number;
  readonly detail: "low" | "auto";
  /** Whether the first message is the instructions, which are told of the response itself. */
  readonly hasInstructions: boolean;
}

/** Query of `GET /v1/responses/{id}/input_items`. */
export interface InputItemsQuery {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** Id of the last item of the page before. */
  readonly after?: string | undefined;
}

/** Renders a page of what an answer was asked; newest first unless asked otherwise. An `after` that names none of them begins behind the last. */
export function inputItems(
  answerId: string,
  asked: AskedMessages,
  { limit, order, after }: InputItemsQuery,
): InputItemsBody {
  const all = itemsOf(answerId, asked);
  const ordered = order === "asc" ? all : all.toReversed();
  const from = after === undefined ? 0 : placeBehind(ordered, after);
  const data = ordered.slice(from, from + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + limit < ordered.length,
  };
}

function placeBehind(items: readonly ListedItemBody[], id: string): number {
  const place = items.findIndex((item) => item.id === id);
  return place === -1 ? items.length : place + 1;
}

function itemsOf(
  answerId: string,
  { messages, pictures, detail, hasInstructions }: AskedMessages,
): ListedItemBody[] {
  const counts = picturesByMessage(messages, pictures);
  const items = messages.map(({ role, text }, index): ListedItemBody => {
    const head = { id: inputId(answerId, index), type: "message", status: "completed" } as const;
    if (role === "assistant") {
      const told = { type: "output_text", text, annotations: [], logprobs: [] } as const;
      return { ...head, role, content: [told] };
    }
    const picture = { type: "input_image", detail, image_url: null, file_id: null } as const;
    const shown = Array.from({ length: counts[index] ?? 0 }, () => picture);
    const said = text === "" ? [] : [{ type: "input_text", text } as const];
    return { ...head, role, content: [...shown, ...said] };
  });
  return hasInstructions ? items.slice(1) : items;
}

const head = { id: z.string(), type: z.literal("message"), status: z.literal("completed") };
const listedText = z.object({ type: z.literal("input_text"), text: z.string() });
const listedPicture = z.object({
  type: z.literal("input_image"),
  detail: z.enum(["low", "auto"]),
  image_url: z.null(),
  file_id: z.null(),
});
const listedAnswer = z.object({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: emptyList,
  logprobs: emptyList,
});

/** Schema of the page, for the API's description and for tests that hold replies to it. */
export const inputItemsSchema: z.ZodType<InputItemsBody> = z
  .object({
    object: z.literal("list"),
    data: z.array(
      z.discriminatedUnion("role", [
        z.object({
          ...head,
          role: z.enum(["user", "system"]),
          content: z.array(z.discriminatedUnion("type", [listedText, listedPicture])),
        }),
        z.object({
          ...head,
          role: z.literal("assistant"),
          content: z.tuple([listedAnswer]),
        }),
      ]),
    ),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: "ResponseInputItems" });
