import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../../env.ts";
import { newId } from "../../id.ts";
import type { KeyRecord } from "../../keys/key-store.ts";
import { logFault } from "../../log.ts";
import { RefusalCounter } from "../../usage/refusal-counter.ts";

/** Lets refusals gather, so that they are few messages. */
const DELAY_MS = 1_000;

/** The isolate's own. */
const counter = new RefusalCounter();

/** Counts what callers with a valid key are refused, by code. Nothing waits for it, and no object is called. */
export function countRefusals(): MiddlewareHandler<EdgeEnv> {
  return async function countRefusals(c, next) {
    await next();
    const key: KeyRecord | undefined = c.get("key");
    const code = c.get("refusal");
    if (code === undefined || key === undefined) return;
    if (!counter.count({ account: key.accountId, key: key.id, code })) return;
    const { USAGE } = c.env;
    const send = async (): Promise<void> => {
      await scheduler.wait(DELAY_MS);
      try {
        await counter.send(
          async (events) => void (await USAGE.sendBatch(events.map((body) => ({ body })))),
          () => newId("evt"),
          Date.now(),
        );
      } catch (cause) {
        logFault("refusals could not be counted", c.get("requestId"), cause);
      }
    };
    c.executionCtx.waitUntil(send());
  };
}
