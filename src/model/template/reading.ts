import type { ClosedReading } from "#domain/field-reading.ts";
import { type ComparedField, optionsOf } from "#domain/fields.ts";
import { type Distribution, labelMass } from "./distribution.ts";

/** What is thought of a field's options. */
export interface ReadOptions {
  readonly distribution: Distribution;
  /** Natural logarithms over the whole vocabulary, by option; absent where options have several canvases or slots. */
  readonly scores?: readonly number[];
}

/** Says what a closed field is, out of what was read at its slot. `abstainBelow`: a guess less likely than this is no value, 0 … 1. */
export function readClosed(
  field: ComparedField,
  { distribution: { probabilities, confidence }, scores }: ReadOptions,
  abstainBelow: number,
): ClosedReading {
  const options = optionsOf(field);
  const told = options.map(({ value }, index) => ({
    value: optionValue(field, value),
    probability: probabilities[index]!,
  }));
  const top = told.reduce((best, option) =>
    option.probability > best.probability ? option : best,
  );
  const pNone = field.type === "choice" && field.none ? probabilities[options.length]! : null;
  const isSure = top.probability >= abstainBelow;
  const isNone = pNone !== null && pNone > top.probability;
  const common = {
    kind: "closed",
    type: field.type,
    value: isSure && !isNone ? top.value : null,
    guess: top.value,
    probabilities: told,
    labelMass: scores === undefined ? null : labelMass(scores),
    pNone,
    abstained: !isSure && !isNone,
  } as const;
  switch (field.type) {
    case "boolean":
      return { ...common, probability: told[0]!.probability, confidence: top.probability };
    case "score": {
      const score = told.reduce((sum, { probability }, index) => sum + index * probability, 0);
      return { ...common, probability: top.probability, confidence, score };
    }
    case "choice":
    case "number":
    case "answers":
      return { ...common, probability: top.probability, confidence };
    default:
      return field satisfies never;
  }
}

function optionValue({ type }: ComparedField, option: string): string | number | boolean {
  if (type === "boolean") return option === "true";
  return type === "number" ? Number(option) : option;
}

/** Ends of a sentence, in the scripts that have one. */
const SENTENCE_END = /[.!?…。！？।؟]["'”’»)\]]*$/u;

/**
 * Says whether a text was cut off for want of room: it fills its hole to the last position and does not end like a sentence.
 * @param tokens of the hole
 */
export function isTruncated(tokens: readonly number[], filler: number, text: string): boolean {
  return tokens.at(-1) !== filler && !SENTENCE_END.test(text.trimEnd());
}
