import { logFault } from "./log.ts";

/** Calls of the ledger may be repeated, and a new attempt finds an account that has moved. */
const ATTEMPTS = 3;

/** Makes a call of the ledger that settles a hold; undefined, and a line in the log, where it cannot be reached. */
export async function attempt<Value>(
  holdId: string,
  call: () => Promise<Value>,
): Promise<Value | undefined> {
  for (let made = 1; ; made += 1) {
    try {
      return await call();
    } catch (cause) {
      if (made < ATTEMPTS) continue;
      logFault("an answer could not be settled; its hold will expire", holdId, cause);
      return undefined;
    }
  }
}
