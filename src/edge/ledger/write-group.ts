/**
 * Has the transactions of answers that are under way together written together: a disk, or the platform's replicas, take as long
 * for one as for ten, and an account's ledger is one. An answer that is alone waits for nobody.
 */
export class WriteGroup {
  readonly #pause: () => Promise<void>;
  readonly #underWay = new Set<string>();
  #next: Promise<void> | undefined;

  /** `pause` resolves when all calls that have arrived have come as far as they can. */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** Resolves when the transaction of an answer is to be made, its hold first and its capture last, in the order of calling. */
  async join(answerId: string, transaction: "hold" | "capture"): Promise<void> {
    if (transaction === "hold") this.#underWay.add(answerId);
    const isAlone = this.#underWay.size <= 1 && this.#next === undefined;
    if (transaction === "capture") this.#underWay.delete(answerId);
    if (isAlone) return;
    this.#next ??= this.#pause().finally(() => {
      this.#next = undefined;
    });
    await this.#next;
  }

  /** An answer was given up. */
  leave(answerId: string): void {
    this.#underWay.delete(answerId);
  }

  /** Forgets answers that nobody told the end of: for each of them a later one would pause. */
  forget(): void {
    this.#underWay.clear();
  }
}
