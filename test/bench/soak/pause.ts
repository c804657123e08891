/** A soak lends the machine to others: SIGUSR2 has its customers stop asking, and once more has them go on. */
export class Pause {
  #gate: PromiseWithResolvers<void> | undefined;

  /** @param say is told of each change */
  constructor(say: (words: string) => void) {
    process.on("SIGUSR2", () => {
      this.#gate?.resolve();
      this.#gate = this.#gate === undefined ? Promise.withResolvers() : undefined;
      say(this.#gate === undefined ? "goes on" : "paused: SIGUSR2 once more has it go on");
    });
  }

  /** Resolves when it does not pause. */
  async over(): Promise<void> {
    while (this.#gate !== undefined) await this.#gate.promise;
  }
}
