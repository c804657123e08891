/** Made once: an error takes the stack with it, of which nobody asks here. */
const over = new Error("the answer is over");

/**
 * Gives a function up that sends nothing for so long, not even a heartbeat. Does not limit how long an answer takes: the steps do,
 * and a caller that closes its request.
 */
export class IdleTimeout {
  readonly seconds: number;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout>;
  #hasExpired = false;

  constructor(seconds: number) {
    this.seconds = seconds;
    this.#timer = this.#start();
  }

  /** Ends the function's request, when it was silent for too long or its answer is not needed any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the function was silent for too long and was given up. */
  get hasExpired(): boolean {
    return this.#hasExpired;
  }

  /** Passes bytes on, and begins the time anew with each chunk. */
  pass(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (chunk, controller) => {
        clearTimeout(this.#timer);
        this.#timer = this.#start();
        controller.enqueue(chunk);
      },
    });
  }

  /** Stops the time, and the function with it if it still runs. */
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort(over);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#hasExpired = true;
      this.#controller.abort(new Error(`the function was silent for ${this.seconds} s`));
    }, this.seconds * 1000);
  }
}
