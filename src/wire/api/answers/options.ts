import type { FieldProblem } from "#domain/failure.ts";
import { modeTerms } from "#domain/modes.ts";
import { type AnswerOptions, usualBlock } from "#domain/question.ts";
import type { ModelCard } from "#domain/quote.ts";
import type { AnswerFields } from "./answer-request.ts";

/** What of a model's card a request is read by: defaults, limits, and what it knows. */
export type AskedCard = Pick<ModelCard, "abilities" | "blockLength" | "mode" | "read" | "refresh">;

/** Fills in what an answer request leaves open. */
export function optionsOf(fields: AnswerFields, card: AskedCard): AnswerOptions {
  const canvas = fields.canvas ?? card.abilities.canvas.standard;
  const steps = fields.steps ?? canvas;
  return {
    detail: fields.detail ?? "auto",
    canvas,
    steps,
    blockLength: fields.block_length ?? usualBlock(canvas, steps, card.blockLength),
    ...modeTerms(fields.mode ?? card.mode, fields.refresh ?? card.refresh.standard),
    temperature: fields.temperature ?? 0,
    seed: fields.seed ?? 0,
    stop: typeof fields.stop === "string" ? [fields.stop] : (fields.stop ?? []),
    ...(fields.suffix === undefined ? {} : { suffix: fields.suffix }),
  };
}

/** Says what is wrong with the options of a request together, and with this model. */
export function optionProblems(
  { refresh }: Pick<AnswerFields, "refresh">,
  options: AnswerOptions,
  card: AskedCard,
): FieldProblem[] {
  return [...scheduleProblems(options, card), ...refreshProblems(refresh, options, card)];
}

function refreshProblems(
  refresh: number | undefined,
  { mode }: AnswerOptions,
  card: AskedCard,
): FieldProblem[] {
  if (refresh === undefined) return [];
  const { limit } = card.refresh;
  const message =
    mode === "cached"
      ? `is ${refresh}; this model takes ${limit} at most: see refresh in GET /v1/models`
      : `is of mode "cached" alone: mode "${mode}" has its own`;
  return mode === "cached" && refresh <= limit ? [] : [{ pointer: "/refresh", message }];
}

/** Says what is wrong with canvas, blocks and steps together. */
function scheduleProblems(
  { canvas, steps, blockLength }: AnswerOptions,
  { abilities }: AskedCard,
): FieldProblem[] {
  const { limit } = abilities.canvas;
  if (canvas > limit)
    return [
      { pointer: "/canvas", message: `is ${canvas}; this model takes ${limit} positions at most` },
    ];
  if (canvas % blockLength !== 0)
    return [
      {
        pointer: "/block_length",
        message: `${blockLength} does not divide the canvas of ${canvas}`,
      },
    ];
  if (steps > canvas)
    return [
      { pointer: "/steps", message: `${steps} steps cannot each fill one of ${canvas} positions` },
    ];
  const blocks = canvas / blockLength;
  return steps % blocks === 0
    ? []
    : [
        {
          pointer: "/steps",
          message: `${steps} steps cannot be shared equally by ${blocks} blocks (canvas / block_length)`,
        },
      ];
}
