import type { AnswerEvent } from "#domain/event.ts";
import {
  answerJson,
  type FieldReading,
  type ReadField,
  type SingleReading,
} from "#domain/field-reading.ts";
import {
  type AnswersField,
  asClosed,
  asOpen,
  type Field,
  optionsOf,
  type SingleField,
} from "#domain/fields.ts";
import type { ReadOrder } from "#domain/question.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { numerics } from "./edge-builders.ts";

/**
 * The story of fields as a function that reads them tells it: those whose values are among a few are known with the first pass, the
 * others with the last of `passes`. What they are read as follows from the fields alone: the first option, the same text.
 */
export function readStory({ fields }: ReadOrder, passes = 1): readonly AnswerEvent[] {
  const read = fields.map(({ name, field }): ReadField => ({ name, reading: readingOf(field) }));
  const closed = read.filter(({ reading }) => reading.kind === "closed");
  const open = read.filter(({ reading }) => reading.kind !== "closed");
  const told = Array.from({ length: passes }, (_, index) => [
    ...(index === 0 ? closed : []),
    ...(index === passes - 1 ? open : []),
  ]);
  const usage = {
    ...{ imageVectors: 37, promptLength: 100, canvas: 8, steps: passes, forwardPasses: passes },
    ...{ refreshes: passes, rows: 108 * passes },
  };
  return [
    {
      ...{ kind: "answer.started", imageVectors: 37, promptLength: 100, canvas: 8, steps: passes },
      numerics,
    },
    ...told.map(
      (known, index): AnswerEvent => ({
        ...{ kind: "answer.frame", step: index + 1, reason: "schedule", refreshed: true },
        ...{ rows: 108, revealed: [], stableUntil: 0, hasText: true },
        ...(known.length === 0 ? {} : { fields: known }),
      }),
    ),
    {
      ...{ kind: "answer.completed", answer: answerJson(read), confidence: 0.75, tokens: [] },
      ...{ fields: read, usage, digest: "ef".repeat(32), decoder: DECODER_VERSION },
    },
  ];
}

function readingOf(field: Field): FieldReading {
  if (field.type === "answers") return scoredAnswers(field);
  if (field.type !== "list") return singleReading(field);
  const items = [singleReading(field.items)];
  const counts = Array.from({ length: field.maxItems + 1 }, (_, count) => (count === 1 ? 1 : 0));
  return { kind: "list", type: "list", items, counts };
}

/** Each answer is half as likely as the one before. */
function scoredAnswers({ answers }: AnswersField): FieldReading {
  const weights = answers.map((_, index) => 0.5 ** (index + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const [guess = ""] = answers;
  const share = (index: number): number => weights[index]! / sum;
  return {
    ...{ kind: "closed", type: "answers", value: guess, guess, probability: share(0) },
    probabilities: answers.map((value, index) => ({ value, probability: share(index) })),
    ...{ confidence: 0.5, labelMass: null, pNone: null, abstained: false },
    logProbabilities: weights.map((weight) => Math.log(weight)),
  };
}

function singleReading(field: SingleField): SingleReading {
  const closed = asClosed(field);
  if (closed === undefined) {
    const open = asOpen(field);
    if (open === undefined) throw new Error(`a field of type ${field.type} is not written`);
    const value = open.type === "number" ? open.minimum : "as written";
    return {
      ...{ kind: "open", type: open.type, value },
      ...{ probability: 0.5, tokenMin: 0.5, pNone: 0.25, truncated: false },
    };
  }
  const options = optionsOf(closed).map(({ value }) => jsonOf(closed.type, value));
  const rest = options.length === 1 ? 0 : 0.25 / (options.length - 1);
  const [guess = false] = options;
  return {
    ...{ kind: "closed", type: closed.type, value: guess, guess },
    probabilities: options.map((value, index) => ({
      value,
      probability: index === 0 ? 1 - rest * (options.length - 1) : rest,
    })),
    ...{ probability: 0.75, confidence: 0.75, labelMass: 0.5, pNone: null, abstained: false },
    ...(closed.type === "score" ? { score: 0.25 } : {}),
  };
}

function jsonOf(type: string, option: string): string | number | boolean {
  if (type === "boolean") return option === "true";
  return type === "number" ? Number(option) : option;
}
