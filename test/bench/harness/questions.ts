import { readFileSync } from "node:fs";
import path from "node:path";

/** The demo set: drawn for this repository, see its README. */
const FOLDER = path.resolve("test/fixtures/demo-eval");

/** A question of it. */
export interface HarnessQuestion {
  readonly id: string;
  /** Absolute. */
  readonly picture: string;
  readonly question: string;
  readonly answer: string;
  readonly family: string;
  /** Of which one is the answer; only of questions that are asked with choices. */
  readonly choices?: readonly string[];
}

/** What the harnesses are given to ask. */
export interface QuestionSets {
  /** Whose answers are words. */
  readonly open: readonly HarnessQuestion[];
  /** Whose answers are yes or no. */
  readonly yesNo: readonly HarnessQuestion[];
  /** Some of `open`, with three wrong answers of the same family beside the right one. */
  readonly choice: readonly HarnessQuestion[];
}

interface Line extends Omit<HarnessQuestion, "picture" | "question"> {
  readonly image: string;
  /** Absent of a conversation, which has `messages`: the harnesses' tables hold one question a row. */
  readonly question?: string;
}

const CHOICES = 4;

/** At most `count` questions of each kind, spread over the demo set; always the same. */
export function questionSets(count: number): QuestionSets {
  const lines = readFileSync(path.join(FOLDER, "questions.jsonl"), "utf8").trim().split("\n");
  const all = lines.flatMap((line): readonly HarnessQuestion[] => {
    const { id, image, question, answer, family } = JSON.parse(line) as Line;
    return question === undefined
      ? []
      : [{ id, picture: path.join(FOLDER, image), question, answer, family }];
  });
  const isYesNo = ({ answer }: HarnessQuestion): boolean => /^(?:yes|no)\.$/i.test(answer);
  const open = all.filter((one) => !isYesNo(one));
  const choice = open.flatMap((one, place) => {
    const choices = choicesFor(one, open, place);
    return choices === undefined ? [] : [{ ...one, choices }];
  });
  return {
    open: spread(open, count),
    yesNo: spread(all.filter(isYesNo), count),
    choice: spread(choice, count),
  };
}

/** The right answer at changing places among others of its family; undefined where the family has too few. */
function choicesFor(
  { answer, family }: HarnessQuestion,
  open: readonly HarnessQuestion[],
  place: number,
): readonly string[] | undefined {
  const others = [
    ...new Set(open.filter((one) => one.family === family).map((one) => one.answer)),
  ].filter((one) => one !== answer);
  if (others.length < CHOICES - 1) return undefined;
  const start = place % others.length;
  const wrong = [...others.slice(start), ...others.slice(0, start)].slice(0, CHOICES - 1);
  return wrong.toSpliced(place % CHOICES, 0, answer);
}

function spread<One>(all: readonly One[], count: number): readonly One[] {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, index) => {
    const one = all[Math.floor((index * all.length) / count)];
    if (one === undefined) throw new Error("a place beyond the end");
    return one;
  });
}
