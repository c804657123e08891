import type { Ledger } from "../ledger/ledger.ts";
import { HOLD_LIFETIME_MS } from "../ledger/ledger-book.ts";
import { logFault } from "../log.ts";

/** Makes a call again and again, in milliseconds, until the function that it returns is called. */
export type Every = (milliseconds: number, call: () => void) => () => void;

/** Two renewals may be lost before the hold is. */
export const RENEWAL_MS: number = HOLD_LIFETIME_MS / 3;

/**
 * Keeps a hold open for as long as this edge lives, until the function that it returns is called. By the clock and not
 * by the answer's frames: one step of a large model on a CPU takes minutes. Whether the function lives is for the silence
 * watch to say.
 */
export function renewHold(
  ledger: Pick<Ledger, "renew">,
  holdId: string,
  every: Every = everyInterval,
): () => void {
  return every(RENEWAL_MS, () => {
    ledger.renew(holdId).catch((cause: unknown) => {
      logFault("a hold could not be renewed; it will be tried again", holdId, cause);
    });
  });
}

function everyInterval(milliseconds: number, call: () => void): () => void {
  const timer = setInterval(call, milliseconds);
  return () => clearInterval(timer);
}
