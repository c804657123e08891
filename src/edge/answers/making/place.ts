import type { Ledger } from "../../ledger/ledger-service.ts";
import { logFault } from "../../log.ts";
import { pause } from "./patience.ts";

/** An answer that waits is called when its turn comes; where the call was lost, it asks the ledger again after this. */
const LOOK_MS = 10_000;

/** A call may also come before the answer's object knows of it, and be forgotten with it; so one that is new asks sooner. */
const FIRST_LOOK_MS = 1_000;

/** What a place is asked for with. */
export interface PlaceTerms {
  readonly answerId: string;
  readonly share: number;
  readonly hasPlace: boolean;
  /** Whether the answer has a hold, which keeps its place and gives it up; one of a batch does both by itself. */
  readonly isHeld: boolean;
  /** Whether its hold has just put it in line: then there is nothing to ask before it is called. */
  readonly isInLine: boolean;
}

/** An answer's place among those that its account may have at the functions at one time. */
export class Place {
  readonly #terms: PlaceTerms;
  readonly #ledger: () => Pick<Ledger, "takePlace" | "leavePlace">;
  #isTaken: boolean;
  #bell = new AbortController();
  #inheriting: Promise<void> = Promise.resolve();

  constructor(terms: PlaceTerms, ledger: () => Pick<Ledger, "takePlace" | "leavePlace">) {
    this.#terms = terms;
    this.#ledger = ledger;
    this.#isTaken = terms.hasPlace;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Resolves when its turn has come. Rejects only with the reason of an aborted signal. */
  async taken(signal: AbortSignal): Promise<void> {
    let isInLine = this.#terms.isInLine;
    while (!this.#isTaken) {
      signal.throwIfAborted();
      this.#bell = new AbortController();
      if (!isInLine && (await this.#ask(false))) this.#isTaken = true;
      if (!this.#isTaken)
        await pause(
          isInLine ? FIRST_LOOK_MS : LOOK_MS,
          AbortSignal.any([signal, this.#bell.signal]),
        );
      isInLine = false;
    }
  }

  /** Its turn has come: the ledger has given it a place. */
  called(): void {
    this.#isTaken = true;
    this.#bell.abort();
  }

  /** Work that is under way has become its own. */
  inherit(): void {
    this.#inheriting = this.#ask(true).then((isTaken) => {
      this.#isTaken = isTaken;
    });
  }

  /** Resolves when nothing is on its way to the ledger that would take the place after it was given up. */
  async settled(): Promise<void> {
    await this.#inheriting;
  }

  /** Tells that it is still there. */
  async renew(): Promise<void> {
    if (this.#isTaken) await this.#ask(true);
  }

  /** Gives it up where no hold does. Returns whose turn it is. */
  async leave(): Promise<readonly string[]> {
    if (this.#terms.isHeld) return [];
    try {
      return (await this.#ledger().leavePlace(this.#terms.answerId)).called;
    } catch (cause) {
      logFault("a place could not be given up and will expire", this.#terms.answerId, cause);
      return [];
    }
  }

  async #ask(isWorking: boolean): Promise<boolean> {
    const { answerId: id, share } = this.#terms;
    try {
      return await this.#ledger().takePlace({ id, share, isWorking });
    } catch (cause) {
      logFault("a place could not be asked for and will be again", id, cause);
      return isWorking;
    }
  }
}
