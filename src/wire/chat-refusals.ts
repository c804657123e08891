import type { FieldProblem } from "#domain/failure.ts";

/** Fields of OpenAI's chat that would change nothing here: read, and passed over. */
const ignoredFields: readonly string[] = [
  "metadata",
  "parallel_tool_calls",
  "prompt_cache_key",
  "prompt_cache_retention",
  "reasoning_effort",
  "safety_identifier",
  "service_tier",
  "store",
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
  "stream",
  "stream_options",
  "temperature",
  "x_unmask",
];

/** What cannot be done, with the value that asks for nothing and so is let pass. */
interface Refused {
  readonly why: string;
  readonly isHarmless: (value: unknown) => boolean;
}

const never = (): boolean => false;
const emptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
const equal =
  (harmless: unknown): Refused["isHarmless"] =>
  (value) =>
    value === harmless;

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
      isHarmless: equal(1),
    },
  ],
  ["tools", { why: noTools, isHarmless: emptyList }],
  ["functions", { why: noTools, isHarmless: emptyList }],
  [
    "tool_choice",
    { why: noTools, isHarmless: (value: unknown) => value === "none" || value === "auto" },
  ],
  ["function_call", { why: noTools, isHarmless: equal("none") }],
  [
    "response_format",
    {
      why: "the canvas is not held to a grammar, so JSON cannot be promised; ask for it in words and check it",
      isHarmless: (value: unknown) =>
        typeof value === "object" && value !== null && "type" in value && value.type === "text",
    },
  ],
  ["logprobs", { why: noLogprobs, isHarmless: equal(false) }],
  ["top_logprobs", { why: noLogprobs, isHarmless: equal(0) }],
  [
    "logit_bias",
    {
      why: "logits of a whole canvas are not biased by token",
      isHarmless: (value: unknown) =>
        typeof value === "object" && value !== null && Object.keys(value).length === 0,
    },
  ],
  ["frequency_penalty", { why: noPenalty, isHarmless: equal(0) }],
  ["presence_penalty", { why: noPenalty, isHarmless: equal(0) }],
  [
    "top_p",
    {
      why: "noise is added to all logits of a canvas, none are cut off; use temperature",
      isHarmless: equal(1),
    },
  ],
  [
    "modalities",
    {
      why: "answers are text",
      isHarmless: (value: unknown) =>
        Array.isArray(value) && value.every((modality) => modality === "text"),
    },
  ],
  ["audio", { why: "answers are text", isHarmless: never }],
  [
    "prediction",
    {
      why: "a canvas begins masked; a known end can be given as x_unmask.suffix",
      isHarmless: never,
    },
  ],
  [
    "web_search_options",
    { why: "nothing is searched for; the model sees what is sent", isHarmless: never },
  ],
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
        return refused.isHarmless(value) ? [] : [{ pointer: `/${name}`, message: refused.why }];
      return known.has(name)
        ? []
        : [{ pointer: `/${name.slice(0, 64)}`, message: "unknown field" }];
    });
}
