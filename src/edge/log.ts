import type { ChargeEvent } from "#wire/function/usage-event.ts";

/** Writes one line for the log: what an answer or a batch was charged. Its id is in the line of the request that asked, too. */
export function logCharge({ id, account, key, model, micros, steps }: ChargeEvent): void {
  const line = { event: "charge", answer: id, account, key, model, steps, charged_micros: micros };
  console.log(JSON.stringify(line));
}

/**
 * Writes one line for the log: what broke, of which request, and why. Structured, so that the dashboard can filter it.
 * Nothing of the caller's question or key goes in here.
 */
export function logFault(what: string, requestId: string, cause: unknown): void {
  console.error(JSON.stringify({ fault: what, request_id: requestId, cause: chain(cause) }));
}

function chain(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === "string" ? cause : JSON.stringify(cause);
  const own = cause.stack ?? `${cause.name}: ${cause.message}`;
  return cause.cause === undefined ? own : `${own}\ncaused by ${chain(cause.cause)}`;
}
