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
  samplingRefused,
  topPRefused,
} from "./refused-fields.ts";

const noPenalty =
  "a canvas is filled in any order, so there are no tokens before one to be penalised for; send 0";

const refused: ReadonlyMap<string, RefusedField> = new Map([
  [
    "n",
    {
      why: "one answer is made per request; ask again with another seed for another",
      harmless: z.literal(1),
    },
  ],
  ["functions", { why: noTools, harmless: emptyList }],
  ["function_call", { why: noTools, harmless: z.literal("none") }],
  ["logprobs", { why: noLogprobs, harmless: z.literal(false) }],
  ["top_logprobs", { why: noLogprobs, harmless: z.literal(0) }],
  [
    "logit_bias",
    {
      why: "logits of a whole canvas are not biased by token",
      harmless: z.strictObject({}),
    },
  ],
  ["frequency_penalty", { why: noPenalty, harmless: z.literal(0) }],
  ["presence_penalty", { why: noPenalty, harmless: z.literal(0) }],
  ["top_p", topPRefused],
  ...samplingRefused,
  [
    "modalities",
    {
      why: "answers are text",
      harmless: z.array(z.literal("text")),
    },
  ],
  ["audio", { why: "answers are text", harmless: z.null() }],
  [
    "prediction",
    {
      why: "a canvas begins masked; a known end can be given as x_unmask.suffix",
      harmless: z.null(),
    },
  ],
  [
    "web_search_options",
    { why: "nothing is searched for; the model sees what is sent", harmless: z.null() },
  ],
]);

const table: FieldTable = {
  used: [
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "response_format",
    "seed",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "x_unmask",
  ],
  ignored: [
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "user",
    "verbosity",
  ],
  refused,
};

/** What may be sent without asking for anything. */
export const harmlessChatFields: Readonly<Record<string, z.ZodType>> = harmlessFields(table);

/** Names each field that asks for what a masked-diffusion model cannot do, and each that nobody knows. Null asks for nothing. */
export function refusedChatFields(body: Readonly<Record<string, unknown>>): FieldProblem[] {
  return refusedFields(body, table);
}
