import type { Delivery, DeliveryReply } from "#wire/function/fetch.ts";
import { findDestination, type Reach } from "./destination.ts";
import { exchange } from "./exchange.ts";
import { isOwnFault, reasonOf } from "./faults.ts";
import { beginningOf } from "./response-text.ts";

/** Threat: a header that makes a log of its own. */
const MAX_ECHOED_LENGTH = 512;

/**
 * Sends one webhook and says what became of it. Redirects are not followed. The receiver's head decides; its body is read
 * only where `wantsResponse`, a little way (`beginningOf`). Rejects with the reason of an aborted `signal`, and where this machine
 * itself is at fault. `now` in milliseconds.
 */
export async function deliver(
  { url, headers, body, timeout_ms }: Delivery,
  reach: Reach,
  signal: AbortSignal,
  now: () => number,
  wantsResponse = false,
): Promise<DeliveryReply> {
  const startedAt = now();
  // Never below zero, also where the clock is set back meanwhile.
  const elapsed = (): number => Math.max(0, now() - startedAt);
  const failed = (
    reason: Extract<DeliveryReply, { outcome: "failed" }>["reason"],
    detail: string,
  ): DeliveryReply => ({ outcome: "failed", reason, detail, duration_ms: elapsed() });
  const timer = AbortSignal.timeout(timeout_ms);
  const both = AbortSignal.any([signal, timer]);
  try {
    const destination = await findDestination(url, reach, both);
    if (!destination.ok) return failed("blocked", destination.refusal);
    const sent = {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "user-agent": "unmask-webhooks" },
      body,
    } as const;
    const reply = await exchange(destination.value, sent, both);
    const { statusCode: status = 0, headers: replied } = reply;
    const told = {
      outcome: "response",
      status,
      retry_after: echoed(replied["retry-after"]),
      location: echoed(replied.location),
      duration_ms: elapsed(),
    } as const;
    if (wantsResponse) return { ...told, response: await beginningOf(reply) };
    reply.destroy();
    return told;
  } catch (cause) {
    signal.throwIfAborted();
    if (timer.aborted) return failed("timeout", `no answer within ${timeout_ms / 1000} s`);
    if (isOwnFault(cause)) throw cause;
    return failed("unreachable", reasonOf(cause));
  }
}

function echoed(header: string | undefined): string | null {
  return header?.slice(0, MAX_ECHOED_LENGTH) ?? null;
}
