import * as z from "zod";
import type { FieldProblem } from "#domain/failure.ts";
import {
  emptyList,
  type FieldTable,
  harmlessFields,
  noLogprobs,
  noTools,
  type RefusedField,
  refusedFields,
  topPRefused,
} from "../refused-fields.ts";

const noAudio = "answers are text";
const noReasoning =
  "the model writes no thoughts before its answer, so there is no effort to set and nothing to sum up";
const noConversation =
  "conversations are not kept as such; go on from an answer with previous_response_id, or send the messages as input";

const refused: ReadonlyMap<string, RefusedField> = new Map([
  ["tools", { why: noTools, harmless: emptyList }],
  ["tool_choice", { why: noTools, harmless: z.enum(["none", "auto"]) }],
  [
    "reasoning",
    {
      why: noReasoning,
      harmless: z.strictObject({
        effort: z.literal("none").nullish(),
        summary: z.null().exactOptional(),
        generate_summary: z.null().exactOptional(),
      }),
    },
  ],
  ["audio", { why: noAudio, harmless: z.null() }],
  ["modalities", { why: noAudio, harmless: z.array(z.literal("text")) }],
  ["image", { why: "the model draws no pictures", harmless: z.null() }],
  ["conversation", { why: noConversation, harmless: z.null() }],
  [
    "context_management",
    {
      why: "nothing is left out of a conversation or summed up; what is too long is refused",
      harmless: emptyList,
    },
  ],
  [
    "prompt",
    { why: "no prompts are kept here; send the text as instructions or input", harmless: z.null() },
  ],
  [
    "moderation",
    { why: "nothing is moderated; x_unmask says where the model abstains", harmless: z.null() },
  ],
  ["access_programs", { why: "there are none here", harmless: z.null() }],
  ["top_logprobs", { why: noLogprobs, harmless: z.literal(0) }],
  ["top_p", topPRefused],
  [
    "truncation",
    {
      why: "nothing is dropped from a conversation; what is too long for the model is refused",
      harmless: z.literal("disabled"),
    },
  ],
  [
    "prompt_cache_options",
    { why: "prompts are not cached by options; x_unmask.cache is for answers", harmless: z.null() },
  ],
]);

const table: FieldTable = {
  used: [
    "background",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "previous_response_id",
    "store",
    "stream",
    "temperature",
    "text",
    "x_unmask",
  ],
  ignored: [
    "max_tool_calls",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "stream_options",
    "user",
  ],
  refused,
};

/** What may be sent without asking for anything. */
export const harmlessResponseFields: Readonly<Record<string, z.ZodType>> = harmlessFields(table);

/** Names each field that asks for what a masked-diffusion model cannot do, and each that nobody knows. Null asks for nothing. */
export function refusedResponseFields(body: Readonly<Record<string, unknown>>): FieldProblem[] {
  return refusedFields(body, table);
}

const noPictures =
  "pictures are not sent back; what was asked is in input_items, and an upload in /v1/images";

/** What may be asked to be told besides, and is not told here. What the others would tell of never comes about, so they are passed over. */
const refusedIncludes: ReadonlyMap<string, string> = new Map([
  ["message.output_text.logprobs", noLogprobs],
  ["message.input_image.image_url", noPictures],
]);

/** Names each part of `include` that cannot be told. */
export function refusedIncludesOf(include: readonly string[], pointer: string): FieldProblem[] {
  return include.flatMap((name, index) => {
    const message = refusedIncludes.get(name);
    return message === undefined ? [] : [{ pointer: `${pointer}/${index}`, message }];
  });
}

const noItems: ReadonlyMap<string, string> = new Map([
  ["reasoning", noReasoning],
  ["compaction", noConversation],
]);

/** Names each item of an input that is neither a message nor stands for one. */
export function refusedItems(input: readonly unknown[]): FieldProblem[] {
  return input.flatMap((item, index) => {
    const type = typeOf(item);
    if (type === undefined || type === "message" || type === "item_reference") return [];
    const message = noItems.get(type) ?? `is ${type.slice(0, 64)}; input is messages: ${noTools}`;
    return [{ pointer: `/input/${index}/type`, message }];
  });
}

function typeOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null || !("type" in item)) return undefined;
  return typeof item.type === "string" ? item.type : undefined;
}
