/**
 * How long a teller's word holds that its account has no endpoint. Most accounts have none, and a busy one would ask with each
 * answer. Measured by clocks that nobody sets, each by its own.
 */
export const QUIET_MS = 500;

/**
 * How long an endpoint that was made is not confirmed: until then somebody may act on the word of before. A clock of this runtime
 * stands still while code runs, so it is some time more than the word holds.
 */
export const QUIET_ENDS_WITHIN_MS = 700;

/** Threat: a flood of accounts that fills the isolate. 4,096 names are some 300 KB. */
const MAX_ACCOUNTS = 4096;

/** Accounts that have no endpoint, as far as was heard within `QUIET_MS`. */
export class QuietAccounts {
  /** Until when, by the clock that was given; the account that was heard of last is the last. */
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that only rises. */
  constructor(now: () => number) {
    this.#now = now;
  }

  has(accountId: string): boolean {
    return this.#now() < (this.#until.get(accountId) ?? Number.NEGATIVE_INFINITY);
  }

  /** Resolves when nobody believes any more what was heard before an endpoint was made. */
  static async over(): Promise<void> {
    await scheduler.wait(QUIET_ENDS_WITHIN_MS);
  }

  /** The time to count from: taken before the teller is asked, since its word may be as old as the question. */
  asking(): number {
    return this.#now();
  }

  /** Its teller was asked then, and has said whether it has none. */
  heard(accountId: string, askedAt: number, isQuiet: boolean): void {
    this.#until.delete(accountId);
    if (isQuiet) this.#until.set(accountId, askedAt + QUIET_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MAX_ACCOUNTS && oldest !== undefined) this.#until.delete(oldest);
  }
}
