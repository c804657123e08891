import type { MadeEvent } from "#domain/event.ts";

/** What an answer's object tells the answers that follow its work. */
export type WorkMessage =
  /** Told first: which weights make it. */
  | { readonly kind: "taken"; readonly modelDigest: string }
  /** The leader has left its work, and this follower is the first that stayed: from here on the work is the follower's, to pay too. */
  | { readonly kind: "heir" }
  | MadeEvent;

/** How long work goes on for callers that only wait for its end, once every answer that held a price for it has left: the time in which a caller can hold one. */
export const HEIR_MS = 2_000;

/**
 * One run of a question and all who have a share in it: the answer that began it, the answers that follow it, and the
 * callers that only wait for its end. It goes on until the last of them leaves. Lives as long as its object's instance.
 */
export class SharedWork {
  readonly #events: MadeEvent[] = [];
  readonly #followers = new Set<string>();
  readonly #onDeserted: () => void;
  #modelDigest: string | undefined;
  #watchers = 0;
  #isLed = true;
  #isOver = false;
  #heir: string | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #change: PromiseWithResolvers<void> = Promise.withResolvers();

  /** `onDeserted` is called when the last of them has left before the end. */
  constructor(onDeserted: () => void) {
    this.#onDeserted = onDeserted;
  }

  /** Whether a follower or a waiting caller wants it, besides its leader. */
  get isWanted(): boolean {
    return this.#followers.size > 0 || this.#watchers > 0;
  }

  /** Whether a new follower would still hear its end. */
  get isUnderWay(): boolean {
    return !this.#isOver;
  }

  taken(modelDigest: string): void {
    if (modelDigest === this.#modelDigest) return;
    this.#modelDigest = modelDigest;
    this.#wake();
  }

  tell(event: MadeEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** Nothing more comes: it was told to its end, or given up. */
  over(): void {
    this.#isOver = true;
    clearTimeout(this.#patience ?? null);
    this.#wake();
  }

  /** The leader has left. */
  leaderLeft(): void {
    this.#isLed = false;
    this.#pass();
  }

  /** Waits beside it without a share in its price. */
  async watch<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#watchers += 1;
    try {
      return await work();
    } finally {
      this.#watchers -= 1;
    }
  }

  /** Everything that was told and will be. The same follower may come again. */
  async *follow(follower: string): AsyncGenerator<WorkMessage, void, undefined> {
    this.#followers.add(follower);
    this.#pass();
    let [isTakenTold, isHeirTold, next] = [false, false, 0];
    for (;;) {
      const change = this.#change.promise;
      if (!isTakenTold && this.#modelDigest !== undefined) {
        isTakenTold = true;
        yield { kind: "taken", modelDigest: this.#modelDigest };
      }
      if (!isHeirTold && this.#heir === follower) {
        isHeirTold = true;
        yield { kind: "heir" };
      }
      for (; isTakenTold && next < this.#events.length; next++) {
        const event = this.#events[next];
        // The end comes last, behind the word of whose it is.
        if (event !== undefined && !(this.#heir === follower && !isHeirTold)) yield event;
        else break;
      }
      if (this.#isOver && next >= this.#events.length) return;
      if (!this.#followers.has(follower)) return;
      await change;
    }
  }

  leave(follower: string): void {
    if (!this.#followers.delete(follower)) return;
    if (this.#heir === follower && !this.#isOver) this.#heir = undefined;
    this.#pass();
    this.#wake();
  }

  /** Passes work that no leader pays for on to its first follower, or gives it up. */
  #pass(): void {
    if (this.#isLed || this.#isOver || this.#heir !== undefined) return;
    const [first] = this.#followers;
    clearTimeout(this.#patience ?? null);
    if (first !== undefined) {
      this.#heir = first;
      this.#wake();
    } else if (this.#watchers > 0) this.#patience = setTimeout(this.#onDeserted, HEIR_MS);
    else this.#onDeserted();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
