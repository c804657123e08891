import { type Result, type Scored, scoredOf, type Task } from "./results.ts";

/** What came of the questions of a test set in one column, at their places. */
export class Tally {
  /** Of the column. */
  readonly name: string;
  readonly #found: (Scored | undefined)[];
  readonly #isTrusted: boolean[] = [];
  #confirmed = 0;

  /** @param questions how many the test set has */
  constructor(name: string, questions: number) {
    this.name = name;
    this.#found = Array.from({ length: questions }, () => undefined);
  }

  /** Takes a result of an earlier evaluation, which counts once `confirm` has seen that it is of the same task. */
  remember(place: number, result: Result): void {
    this.#found[place] = scoredOf(result);
  }

  /** Whether a task has its answer from an earlier evaluation; what is of another task, or was no answer, is forgotten. */
  confirm({ place, key }: Task): boolean {
    const known = this.#found[place];
    const isOurs = known?.key === key && known.error === null;
    if (isOurs) {
      this.#isTrusted[place] = true;
      this.#confirmed += 1;
    } else this.#found[place] = undefined;
    return isOurs;
  }

  put(place: number, result: Result): void {
    this.#found[place] = scoredOf(result);
    this.#isTrusted[place] = true;
  }

  /** Results at the questions' places; undefined where there is none yet. */
  get results(): readonly (Scored | undefined)[] {
    return this.#found.map((found, place) => (this.#isTrusted[place] === true ? found : undefined));
  }

  /** Tasks that had their answer. */
  get confirmed(): number {
    return this.#confirmed;
  }
}
