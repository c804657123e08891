import { type Result, type Scored, scoredOf, type Task } from "./results.ts";

/** What came of the questions of a test set in one column, at their places. */
export class Tally {
  /** Of the column. */
  readonly name: string;
  readonly #found: (Scored | undefined)[];
  /** Keys of what an earlier evaluation found, until it is known whether that is of the same tasks. */
  readonly #keys = new Map<number, string>();
  /** Each text once: a million results are of a few families, and of one model. */
  readonly #texts = new Map<string, string>();
  readonly #ids: readonly string[];
  #confirmed = 0;

  /** @param ids of the questions, at their places */
  constructor(name: string, ids: readonly string[]) {
    this.name = name;
    this.#ids = ids;
    this.#found = ids.map(() => undefined);
  }

  /** Takes a result of an earlier evaluation, which counts once `confirm` has seen that it is of the same task. */
  remember(place: number, result: Result): void {
    this.put(place, result);
    if (result.error === null) this.#keys.set(place, result.key);
    else this.#keys.set(place, "");
  }

  /** Whether a task has its answer from an earlier evaluation; what is of another task, or was no answer, is forgotten. */
  confirm({ place, key }: Task): boolean {
    const isOurs = this.#keys.get(place) === key;
    this.#keys.delete(place);
    if (isOurs) this.#confirmed += 1;
    else this.#found[place] = undefined;
    return isOurs;
  }

  put(place: number, result: Result): void {
    this.#found[place] = {
      ...scoredOf(result),
      id: this.#ids[place] ?? result.id,
      family: this.#once(result.family),
      model_digest: result.model_digest === null ? null : this.#once(result.model_digest),
    };
  }

  #once(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }

  /** Results at the questions' places; undefined where there is none yet. */
  get results(): readonly (Scored | undefined)[] {
    if (this.#keys.size === 0) return this.#found;
    return this.#found.map((found, place) => (this.#keys.has(place) ? undefined : found));
  }

  /** Tasks that had their answer. */
  get confirmed(): number {
    return this.#confirmed;
  }
}
