/** Events that one side tells and another takes, in their order. Telling waits for nobody. */
export class EventQueue<Event> {
  readonly #told: Event[] = [];
  #over: (() => void) | undefined;
  #next = Promise.withResolvers<void>();

  tell(event: Event): void {
    this.#told.push(event);
    this.#next.resolve();
  }

  /** Nothing more is told; what was told is still taken. */
  end(): void {
    this.#over = () => undefined;
    this.#next.resolve();
  }

  /** Ends with a fault, which who takes is thrown behind what was told. */
  fail(cause: unknown): void {
    this.#over = () => {
      throw cause;
    };
    this.#next.resolve();
  }

  async *taken(): AsyncGenerator<Event, void, undefined> {
    for (;;) {
      yield* this.#told.splice(0);
      if (this.#told.length > 0) continue;
      if (this.#over !== undefined) return this.#over();
      await this.#next.promise;
      this.#next = Promise.withResolvers<void>();
    }
  }
}
