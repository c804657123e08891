import type { TestQuestion } from "../../files/test-question.ts";
import type { TestSet } from "../../files/test-set.ts";
import type { Result } from "../../results.ts";
import type { ColumnResults } from "../report.ts";

/** A question on which columns disagree, and what each of them said. */
export interface Disagreement {
  readonly question: TestQuestion;
  /** In the order of the columns; undefined where one has no result. */
  readonly results: readonly (Result | undefined)[];
  /** Whether each is wholly right, as 1 and 0, such as `110`. */
  readonly pattern: string;
}

/** What the questions of a test set have in common: who is right, and who is not. */
export interface Pattern {
  readonly pattern: string;
  readonly questions: number;
}

/** Where columns disagree; of one column alone, where it is not right. */
export interface Differences {
  readonly patterns: readonly Pattern[];
  /** Places of those that are shown, as many of each pattern as there are of the rarest, and so on. */
  readonly places: ReadonlySet<number>;
}

/** Finds the questions to show, at most so many. */
export function differencesOf(columns: readonly ColumnResults[], most: number): Differences {
  const places = new Map<string, number[]>();
  const questions = columns[0]?.results.length ?? 0;
  for (let place = 0; place < questions; place++) {
    const scores = columns.map(({ results }) => results[place]?.score ?? null);
    const isTold = scores.length === 1 ? isShort(scores[0]) : isDisagreed(scores);
    if (!isTold) continue;
    const pattern = patternOf(scores);
    const known = places.get(pattern);
    if (known === undefined) places.set(pattern, [place]);
    else known.push(place);
  }
  return {
    patterns: [...places]
      .map(([pattern, of]) => ({ pattern, questions: of.length }))
      .toSorted((a, b) => b.questions - a.questions),
    places: inTurn([...places.values()], most),
  };
}

function isShort(score: number | null | undefined): boolean {
  return typeof score === "number" && score < 1;
}

/** Scores differ, or one has none: only answers that were given can disagree. */
function isDisagreed(scores: readonly (number | null)[]): boolean {
  const given = scores.filter((score) => score !== null);
  return new Set(given).size > 1;
}

function patternOf(scores: readonly (number | null)[]): string {
  return scores.map((score) => (score === 1 ? "1" : "0")).join("");
}

/** One of each list, then another of each, so that the rarest is not lost among the most frequent. */
function inTurn(lists: readonly (readonly number[])[], most: number): ReadonlySet<number> {
  const taken = new Set<number>();
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let index = 0; index < longest; index++)
    for (const list of lists) {
      const place = list[index];
      if (place !== undefined && taken.size < most) taken.add(place);
    }
  return taken;
}

/** Reads what was asked and said at those places, from the files that have it. */
export async function readDisagreements(
  { places }: Differences,
  columns: readonly ColumnResults[],
  testSet: Pick<TestSet, "ids" | "questions">,
  results: AsyncIterable<Result>,
): Promise<readonly Disagreement[]> {
  const wanted = new Map([...places].map((place) => [testSet.ids[place] ?? "", place]));
  const said = new Map<string, Result>();
  for await (const result of results)
    if (wanted.has(result.id)) said.set(JSON.stringify([result.column, result.id]), result);
  const found: Disagreement[] = [];
  let place = 0;
  for await (const question of testSet.questions()) {
    const scores = columns.map((column) => column.results[place]?.score ?? null);
    if (places.has(place++))
      found.push({
        question,
        results: columns.map(({ column }) => said.get(JSON.stringify([column.name, question.id]))),
        pattern: patternOf(scores),
      });
    if (found.length === places.size) break;
  }
  return found;
}
