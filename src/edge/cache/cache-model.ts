/** The word of a function about its weights is believed so long without a second thought. */
export const FRESH_MS = 2_000;

/** So long it may still be told while it is asked for again behind a request: after a switch of models, no old answer is told later than this. */
export const MODEL_MS = 5_000;

/** A function that cannot say which weights it has is asked again after this. */
const UNKNOWN_MS = 1_000;

interface Heard {
  readonly digest: string | undefined;
  /** When it was asked for: what is switched while the question is under way may be missing from the word. */
  readonly at: number;
}

/** How the function is asked for its weights, and what keeps the Worker up for it when no request waits. */
export interface ModelSource {
  /** Their digest; undefined where no function is ready to say. */
  readonly read: () => Promise<string | undefined>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** Which weights answer, as this isolate heard last. */
export class ServedModel {
  #heard: Heard | undefined;
  /** When a request of this isolate began to ask without waiting for the reply. */
  #askedAt: number | undefined;

  /** Their digest; undefined where no function is ready to say. A busy isolate never waits for it: it asks before the last word is too old. */
  async digest(source: ModelSource): Promise<string | undefined> {
    const heard = this.#heard;
    const ageMs = heard === undefined ? Number.NaN : Math.abs(source.now() - heard.at);
    if (heard === undefined || !(ageMs < (heard.digest === undefined ? UNKNOWN_MS : MODEL_MS)))
      // Not shared between requests: work that one of them began ends with it.
      return await this.#ask(source);
    if (heard.digest !== undefined && ageMs >= FRESH_MS) this.#askBehind(source);
    return heard.digest;
  }

  async #ask({ read, now }: ModelSource): Promise<string | undefined> {
    const at = now();
    const digest = await read();
    // A slower question that was asked earlier knows less; one from far ahead is of a clock that was set back.
    const aheadMs = (this.#heard?.at ?? at) - at;
    if (aheadMs <= 0 || aheadMs >= MODEL_MS) this.#heard = { digest, at };
    return digest;
  }

  /** One question at a time; one whose request ended before its reply is given up after a second. */
  #askBehind(source: ModelSource): void {
    const now = source.now();
    if (this.#askedAt !== undefined && Math.abs(now - this.#askedAt) < UNKNOWN_MS) return;
    this.#askedAt = now;
    source.waitUntil(this.#ask(source).catch(() => undefined));
  }
}
