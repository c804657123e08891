/**
 * Gives a function up that says nothing, not even a heartbeat. Does not limit how long an answer takes: the steps do,
 * and the caller who leaves.
 */
export class SilenceWatch {
  readonly seconds: number;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout>;
  #isOver = false;

  constructor(seconds: number) {
    this.seconds = seconds;
    this.#timer = this.#listen();
  }

  /** Ends the function's request, when it was silent for too long or nobody needs it any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the function was given up. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Passes bytes on and hears them. */
  ear(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (chunk, controller) => {
        clearTimeout(this.#timer);
        this.#timer = this.#listen();
        controller.enqueue(chunk);
      },
    });
  }

  /** Stops watching, and the function with it if it still runs. */
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort(new Error("the answer is over"));
  }

  #listen(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort(new Error(`the function was silent for ${this.seconds} s`));
    }, this.seconds * 1000);
  }
}
