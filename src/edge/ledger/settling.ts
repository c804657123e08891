import { logFault } from "../log.ts";
import type { RetryBudget } from "../with-retry.ts";

/** An account's ledger that has moved is found by the second call; a third is for one that moves under it. */
const ATTEMPTS = 3;

/** Of calls that settle a hold: the ledger charges or gives back once, however often it is called. What fails leaves a line in the log, and the hold expires. */
export function settling(holdId: string): RetryBudget<undefined> {
  return {
    attempts: ATTEMPTS,
    onGivenUp: (cause) => {
      logFault("an answer could not be settled; its hold will expire", holdId, cause);
      return undefined;
    },
  };
}
