/** Whose work waits, and how much of it there is. */
export interface Claim {
  /** The account that ordered it. */
  readonly account: string;
  /** The work that is left, in a unit that all claims of an account share. */
  readonly remaining: number;
}

/** Somebody who waits; `passedOver` is kept by the order. */
export interface Waiting {
  readonly claim: Claim;
  /** Turns of its account that went to others since it began to wait. */
  passedOver: number;
}

/**
 * Turns of its account for which an answer may be passed over. With A accounts that wait and N answers of its own, whoever waits
 * gets its turn after at most A × (8 + N) others.
 */
export const MAX_PASSED_OVER = 8;

/** Accounts whose last turn is remembered. Who is forgotten has its turn a round early. */
const MAX_ACCOUNTS = 1024;

/**
 * Whose turn it is. Accounts take turns, whatever each of them has waiting; within an account the shortest comes first, so that
 * its answers end one by one instead of all at the end; and nobody is passed over for ever.
 */
export class TurnOrder {
  readonly #lastTurns = new Map<string, number>(); // in the order of the turns
  #turns = 0;

  /** Chooses among those who wait, in the order in which they came; undefined if nobody does. */
  next<Waiter extends Waiting>(waiting: readonly Waiter[]): Waiter | undefined {
    let first: Waiter | undefined;
    for (const one of waiting) if (first === undefined || this.#isBefore(one, first)) first = one;
    return first;
  }

  /** Gives the turn to one of those who wait. */
  serve(chosen: Waiting, waiting: readonly Waiting[]): void {
    const { account } = chosen.claim;
    for (const other of waiting) {
      if (other !== chosen && other.claim.account === account) other.passedOver += 1;
    }
    chosen.passedOver = 0;
    this.#turns += 1;
    this.#lastTurns.delete(account);
    this.#lastTurns.set(account, this.#turns);
    const [oldest] = this.#lastTurns.keys();
    if (this.#lastTurns.size > MAX_ACCOUNTS && oldest !== undefined) this.#lastTurns.delete(oldest);
  }

  /** Of two that are equal the one that came first stays first. */
  #isBefore(one: Waiting, other: Waiting): boolean {
    const [mine, theirs] = [one, other].map(({ claim }) => this.#lastTurns.get(claim.account) ?? 0);
    if (one.claim.account !== other.claim.account) return (mine ?? 0) < (theirs ?? 0);
    const [isMineDue, isTheirsDue] = [one, other].map((who) => who.passedOver >= MAX_PASSED_OVER);
    if (isMineDue === true && isTheirsDue === true) return one.passedOver > other.passedOver;
    if (isMineDue !== isTheirsDue) return isMineDue === true;
    return one.claim.remaining < other.claim.remaining;
  }
}
