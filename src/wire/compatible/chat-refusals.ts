import { z } from "zod";
import type { FieldProblem } from "#domain/failure.ts";
import { UNKNOWN_FIELD } from "../field-sentence.ts";

/** Fields of OpenAI's chat that would change nothing here: read, and passed over. */
const ignoredFields: readonly string[] = [
  "metadata",
  "parallel_tool_calls",
  "prompt_cache_key",
  "prompt_cache_retention",
  "reasoning_effort",
  "safety_identifier",
  "service_tier",
  "user",
  "verbosity",
];

/** Fields that this API gives a meaning. */
const usedFields: readonly string[] = [
  "max_completion_tokens",
  "max_tokens",
  "messages",
  "model",
  "seed",
  "stop",
  "store",
  "stream",
  "stream_options",
  "temperature",
  "x_unmask",
];

/** What cannot be done, with what asks for nothing and so is let pass. */
interface Refused {
  readonly why: string;
  readonly harmless: z.ZodType;
}

const emptyList = z.array(z.never()).max(0);

const noTools = "the model calls no tools and no functions; ask for the answer itself";
const noPenalty =
  "a canvas is filled in any order, so there are no tokens before one to be penalised for; send 0";
const noLogprobs =
  "positions are filled in any order, so there is no probability of a next token; x_unmask.tokens has each token's confidence";

const refusedFields: ReadonlyMap<string, Refused> = new Map([
  [
    "n",
    {
      why: "one answer is made per request; ask again with another seed for another",
      harmless: z.literal(1),
    },
  ],
  ["tools", { why: noTools, harmless: emptyList }],
  ["functions", { why: noTools, harmless: emptyList }],
  ["tool_choice", { why: noTools, harmless: z.enum(["none", "auto"]) }],
  ["function_call", { why: noTools, harmless: z.literal("none") }],
  [
    "response_format",
    {
      why: "the canvas is not held to a grammar, so JSON cannot be promised; ask for it in words and check it",
      harmless: z.object({ type: z.literal("text") }),
    },
  ],
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
  [
    "top_p",
    {
      why: "noise is added to all logits of a canvas, none are cut off; use temperature",
      harmless: z.literal(1),
    },
  ],
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

/** What may be sent without asking for anything: fields that are passed over, and the harmless values of the others. */
export const harmlessChatFields: Readonly<Record<string, z.ZodType>> = Object.fromEntries([
  ...ignoredFields.map((name) => [name, z.unknown()] as const),
  ...[...refusedFields].map(([name, { harmless }]) => [name, harmless] as const),
]);

const known: ReadonlySet<string> = new Set([
  ...ignoredFields,
  ...usedFields,
  ...refusedFields.keys(),
]);

/** Names each field that asks for what a masked-diffusion model cannot do, and each that nobody knows. Null asks for nothing. */
export function refusedChatFields(body: Readonly<Record<string, unknown>>): FieldProblem[] {
  return Object.entries(body)
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => {
      const refused = refusedFields.get(name);
      if (refused !== undefined)
        return refused.harmless.safeParse(value).success
          ? []
          : [{ pointer: `/${name}`, message: refused.why }];
      return known.has(name) ? [] : [{ pointer: `/${name.slice(0, 64)}`, message: UNKNOWN_FIELD }];
    });
}
