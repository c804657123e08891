import * as z from "zod";
import type { FieldProblem } from "#domain/failure.ts";
import { UNKNOWN_FIELD } from "../field-sentence.ts";

/** What cannot be done, with what asks for nothing and so is let pass. */
export interface RefusedField {
  readonly why: string;
  readonly harmless: z.ZodType;
  /** What asks for nothing besides in a body of which `isGreedy` holds: it says how to draw tokens, and none is drawn. */
  readonly greedy?: z.ZodType;
}

/** What becomes of the fields of another API's body. */
export interface FieldTable {
  /** Given a meaning. */
  readonly used: readonly string[];
  /** They would change nothing here: read, and passed over. */
  readonly ignored: readonly string[];
  readonly refused: ReadonlyMap<string, RefusedField>;
}

/** Nothing, where a list is expected. */
export const emptyList: z.ZodType<readonly never[]> = z.array(z.never()).max(0);

export const noTools = "the model calls no tools and no functions; ask for the answer itself";

export const noLogprobs =
  "positions are filled in any order, so there is no probability of a next token; x_unmask.tokens has each token's confidence";

const noCut =
  "noise is added to all logits of a canvas, none are cut off; send temperature 0, at which it says nothing, or leave it out";

/** Of both APIs of OpenAI. */
export const topPRefused: RefusedField = {
  why: noCut,
  harmless: z.literal(1),
  greedy: z.number().min(0).max(1),
};

/**
 * What servers of OpenAI's form took up beside its own fields, and evaluation harnesses and other clients send them. Sources: the extra
 * parameters of vLLM's, SGLang's and LMDeploy's chat completions.
 */
export const samplingRefused: readonly (readonly [name: string, field: RefusedField])[] = [
  ["top_k", { why: noCut, harmless: z.literal([-1, 0]), greedy: z.int().min(-1) }],
  ["min_p", { why: noCut, harmless: z.literal(0), greedy: z.number().min(0).max(1) }],
  [
    "repetition_penalty",
    {
      why: "a canvas is filled in any order, so there are no tokens before one to be penalised for; send 1",
      harmless: z.literal(1),
    },
  ],
  [
    "chat_template_kwargs",
    {
      why: "the model's template takes no options; a switch that its model knows is written into the question, such as /no_think at its end",
      harmless: z.strictObject({}),
    },
  ],
];

/** What may be sent without asking for anything: fields that are passed over, and the harmless values of the others. */
export function harmlessFields({
  ignored,
  refused,
}: FieldTable): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries([
    ...ignored.map((name) => [name, z.unknown()] as const),
    ...[...refused].map(([name, field]) => [name, described(field)] as const),
  ]);
}

function described({ harmless, greedy }: RefusedField): z.ZodType {
  return greedy === undefined
    ? harmless
    : greedy.meta({
        description: "Says nothing at temperature 0; at others only what cuts nothing off passes.",
      });
}

/** Whether a body has every token be the most probable one, which it also does where it names no temperature. */
function isGreedy({ temperature, x_unmask: extras }: Readonly<Record<string, unknown>>): boolean {
  const ours =
    typeof extras === "object" && extras !== null && "temperature" in extras
      ? extras.temperature
      : undefined;
  return (temperature ?? ours ?? 0) === 0;
}

/** Names each field that asks for what a masked-diffusion model cannot do, and each that nobody knows. Null asks for nothing. */
export function refusedFields(
  body: Readonly<Record<string, unknown>>,
  { used, ignored, refused }: FieldTable,
): FieldProblem[] {
  return Object.entries(body)
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => {
      const field = refused.get(name);
      if (field !== undefined)
        return asksForNothing(field, value, isGreedy(body))
          ? []
          : [{ pointer: `/${name}`, message: field.why }];
      return used.includes(name) || ignored.includes(name)
        ? []
        : [{ pointer: `/${name.slice(0, 64)}`, message: UNKNOWN_FIELD }];
    });
}

function asksForNothing(
  { harmless, greedy }: RefusedField,
  value: unknown,
  drawsNothing: boolean,
): boolean {
  return (
    harmless.safeParse(value).success || (drawsNothing && greedy?.safeParse(value).success === true)
  );
}
