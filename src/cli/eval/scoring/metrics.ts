import { isLastNumber } from "./numbers.ts";
import { vqaAccuracy } from "./vqa.ts";

/** How an answer is compared with the expected ones. */
export type Metric = "exact" | "choice" | "anls" | "relaxed" | "number" | "vqa" | "words";

export const METRICS: readonly Metric[] = [
  ...(["exact", "choice", "anls", "relaxed", "number", "vqa", "words"] as const),
];

/**
 * Scores an answer from 0 (wrong) to 1 (right) against the expected ones, of which the best match counts. For `choice`
 * the expected ones are letters or texts of `choices`, and an answer that picks none of them is wrong.
 */
export function score(
  metric: Metric,
  answer: string,
  expected: readonly string[],
  choices: readonly string[] = [],
): number {
  if (metric === "choice") return choiceScore(answer, expected, choices);
  if (metric === "vqa") return vqaAccuracy(answer, expected);
  const compare = comparisons[metric];
  return Math.max(0, ...expected.map((one) => compare(answer, one)));
}

/**
 * What most metrics compare: NFC, without space around it, runs of space as one, in lower case, without a full stop at
 * the end. Articles and all other marks count.
 */
export function normalised(text: string): string {
  return text.normalize("NFC").trim().replace(/\s+/gu, " ").toLowerCase().replace(/ ?\.$/, "");
}

const comparisons: Readonly<
  Record<Exclude<Metric, "choice" | "vqa">, (answer: string, expected: string) => number>
> = {
  exact: (answer, expected) => Number(isEqual(answer, expected)),
  anls: (answer, expected) => levenshteinSimilarity(normalised(answer), normalised(expected)),
  relaxed: relaxedAccuracy,
  number: (answer, expected) => Number(isLastNumber(answer, expected) ?? isEqual(answer, expected)),
  words: sharedWords,
};

function isEqual(answer: string, expected: string): boolean {
  return normalised(answer) === normalised(expected);
}

/** Distance as a share of the longer text from which on an answer is wrong. Source: Biten et al. 2019, arXiv:1905.13648, τ in (1). */
const ANLS_THRESHOLD = 0.5;

/** One minus the normalised Levenshtein distance, or 0 where that reaches the threshold. Source: Biten et al. 2019, (1). */
function levenshteinSimilarity(answer: string, expected: string): number {
  const longer = Math.max([...answer].length, [...expected].length);
  if (longer === 0) return 1;
  const distance = levenshtein([...answer], [...expected]) / longer;
  return distance < ANLS_THRESHOLD ? 1 - distance : 0;
}

/** Fewest insertions, deletions and replacements that turn one text into the other, in code points. Takes time a · b. */
function levenshtein(a: readonly string[], b: readonly string[]): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of a.entries()) {
    const current = [row + 1];
    for (const [column, other] of b.entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      const removed = (previous[column + 1] ?? 0) + 1;
      const inserted = (current[column] ?? 0) + 1;
      current.push(Math.min(replaced, removed, inserted));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Source: Masry et al. 2022, ChartQA, arXiv:2203.10244, section 5.1. */
const RELAXED_TOLERANCE = 0.05;

/** Numbers may be 5 % off, of the expected one; anything else, and an expected 0, must be equal. */
function relaxedAccuracy(answer: string, expected: string): number {
  const [given, wanted] = [normalised(answer), normalised(expected)];
  const [number, target] = [numberOf(given), numberOf(wanted)];
  if (number === undefined || target === undefined || target === 0) return given === wanted ? 1 : 0;
  return Math.abs(number - target) / Math.abs(target) <= RELAXED_TOLERANCE ? 1 : 0;
}

/** Reads a decimal number; a percentage is a hundredth of it, as in ChartQA's own evaluation. Separated thousands are none. */
function numberOf(text: string): number | undefined {
  const [, digits, percent] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)( ?%)?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return percent === undefined ? Number(digits) : Number(digits) / 100;
}

/**
 * Words that both have, each as often as in both, over the words of the longer one: order is free, what is missing costs
 * as much as what is too much. A word is a run of letters, digits and inner apostrophes or hyphens.
 */
function sharedWords(answer: string, expected: string): number {
  const [given, wanted] = [wordsOf(answer), wordsOf(expected)];
  const longer = Math.max(given.length, wanted.length);
  if (longer === 0) return 1;
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of given) {
    const count = left.get(word) ?? 0;
    if (count > 0) shared += 1;
    left.set(word, count - 1);
  }
  return shared / longer;
}

/** The words of a text in lower case: runs of letters, digits and inner apostrophes or hyphens. */
export function wordsOf(text: string): readonly string[] {
  return normalised(text).match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? [];
}

function choiceScore(
  answer: string,
  expected: readonly string[],
  choices: readonly string[],
): number {
  const picked = pickedChoice(answer, choices);
  return picked !== undefined && expected.some((one) => pickedChoice(one, choices) === picked)
    ? 1
    : 0;
}

/** The letter of a choice: A for the first. */
export function choiceLetter(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}

/**
 * Which choice an answer means, as its index: the one whose text it is; else the one whose letter it gives (`B`, `(b)`, `B. …`,
 * `the answer is B`, `\\boxed{B}`); else the only one whose text stands in it; else the only one whose capital stands alone in it.
 * Undefined where it means none, or more than one.
 */
export function pickedChoice(answer: string, choices: readonly string[]): number | undefined {
  const exactly = choices.indexOf(answer);
  if (exactly >= 0) return exactly;
  const given = normalised(answer);
  const texts = choices.map(normalised);
  const whole = texts.indexOf(given);
  if (whole >= 0) return whole;
  const lettered = letterIn(answer, choices.length);
  if (lettered !== undefined) return lettered;
  const words = ` ${wordsOf(given).join(" ")} `;
  const found = texts.flatMap((text, index) =>
    words.includes(` ${wordsOf(text).join(" ")} `) ? [index] : [],
  );
  return found.length === 1
    ? found[0]
    : found.length === 0
      ? onlyCapital(answer, choices.length)
      : undefined;
}

/** A letter at the start, alone or with a mark behind it, or one that is said to be the answer; a small one there may be an article. */
function letterIn(answer: string, choices: number): number | undefined {
  const text = answer.normalize("NFC").trim().replace(/\s+/gu, " ").replace(/\*+/g, "");
  const [, marked, boxed, said] =
    /^\(?([A-Za-z])(?:[).:,]|$)|\\boxed\{\(?([A-Za-z])\)?\}|\b(?:[Aa]nswer|[Oo]ption|[Cc]hoice)(?: is)?:? \(?([A-Z]\b(?! [a-z])|[A-Za-z](?=[).:,]|$))/.exec(
      text,
    ) ?? [];
  return indexOf(marked ?? boxed ?? said, choices);
}

/** The only capital that stands alone, unless it is "I", or an "A" before a word, which are words themselves. */
function onlyCapital(answer: string, choices: number): number | undefined {
  const found = new Set(
    answer
      .match(/(?<![\p{L}\p{N}'’])[A-Z](?![\p{L}\p{N}'’])/gu)
      ?.filter((letter) => letter !== "I"),
  );
  const [letter] = found;
  if (found.size !== 1 || letter === undefined || /(?<!\p{L})A \p{Ll}/u.test(answer))
    return undefined;
  return indexOf(letter, choices);
}

function indexOf(letter: string | undefined, choices: number): number | undefined {
  if (letter === undefined) return undefined;
  const index = letter.toUpperCase().charCodeAt(0) - "A".charCodeAt(0);
  return index < choices ? index : undefined;
}
