import { type ComparedField, type NamedField, optionsOf } from "#domain/fields.ts";
import { type Distribution, labelMass } from "./distribution.ts";

/** A value that JSON has. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[];

/** A closed field as it was read. */
export interface ClosedReading {
  /** Null where it abstains, or where none of the options is the likeliest. */
  readonly value: string | number | boolean | null;
  /** The likeliest of the options, whatever is thought of it. */
  readonly guess: string | number | boolean;
  /** Of each option in the field's order, "none of these" not among them: they sum to 1 − `pNone`. */
  readonly probabilities: readonly {
    readonly value: string | number | boolean;
    readonly probability: number;
  }[];
  /** Of the guess; of a boolean that of true. */
  readonly probability: number;
  /** 0 … 1. Of a boolean max(p, 1 − p), of anything else 1 − H / ln K. */
  readonly confidence: number;
  /** Share of the vocabulary's probability that the options had; null where they are of several tokens. */
  readonly labelMass: number | null;
  /** Of "none of these"; null where it was no option. */
  readonly pNone: number | null;
  /** Whether the guess was not sure enough to be a value. */
  readonly abstained: boolean;
  /** Of a score alone: the mean of the levels' indices by probability. */
  readonly score?: number;
  /** Of answers alone, in their order: natural logarithms of how likely the model is to give each, whatever the others are. */
  readonly logProbabilities?: readonly number[];
}

/** What is thought of a field's options. */
export interface ReadOptions {
  readonly distribution: Distribution;
  /** Natural logarithms over the whole vocabulary, by option; absent where options have several tokens or slots. */
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
    value: isSure && !isNone ? top.value : null,
    guess: top.value,
    probabilities: told,
    labelMass: scores === undefined ? null : labelMass(scores),
    pNone,
    abstained: !isSure && !isNone,
  };
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

/**
 * Writes the values as JSON in the order of the fields. The model writes none of it, so it always parses; and no object is made
 * of it on the way, so that names like `__proto__` and `10` stay where they are.
 */
export function answerJson(fields: readonly NamedField[], values: readonly JsonValue[]): string {
  const members = fields.map(
    ({ name }, index) => `${JSON.stringify(name)}:${JSON.stringify(values[index] ?? null)}`,
  );
  return `{${members.join(",")}}`;
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
