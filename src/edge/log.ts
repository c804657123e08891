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
