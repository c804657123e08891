import type { Context } from "hono";
import { ledgersMoved } from "../../accounts/ledger-marks.ts";
import type { EdgeEnv } from "../../env.ts";
import { logFault } from "../../log.ts";

/** Has the backups look at the account with their next run. Should that not come through, they come to it in turn. */
export function haveSaved(c: Context<EdgeEnv>): void {
  const { accountId } = c.get("key");
  c.executionCtx.waitUntil(mark(c.env.DB, accountId));
}

async function mark(db: D1Database, accountId: string): Promise<void> {
  try {
    await ledgersMoved(db, [accountId], Date.now()).run();
  } catch (cause) {
    logFault(
      "the backups were not told of changed webhooks, and come to them later",
      accountId,
      cause,
    );
  }
}
