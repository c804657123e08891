/** How a caller wants to wait. Source: RFC 7240 sections 4.1 and 4.3. */
export interface WaitPreference {
  /** Milliseconds to wait for the end; null waits for it however long it takes. */
  readonly waitMs: number | null;
  /** What `Preference-Applied` says; null where nothing was asked for. */
  readonly applied: string | null;
}

/** Threat: requests that stand for hours. Longer than proxies keep a silent connection, so no client can use more. */
const MAX_WAIT_SECONDS = 600;

/** Reads `Prefer`: `wait=N` seconds, `respond-async` for no wait at all; both together wait N. */
export function waitPreference(header: string | undefined): WaitPreference {
  const preferences = (header ?? "").toLowerCase().split(/[,;]/);
  const wait = preferences
    .map((part) => /^\s*wait\s*=\s*"?([0-9]{1,9})"?\s*$/.exec(part)?.[1])
    .find((seconds) => seconds !== undefined);
  if (wait !== undefined) {
    const seconds = Math.min(Number(wait), MAX_WAIT_SECONDS);
    return { waitMs: seconds * 1000, applied: `wait=${seconds}` };
  }
  const isAsync = preferences.some((part) => part.trim() === "respond-async");
  return isAsync ? { waitMs: 0, applied: "respond-async" } : { waitMs: null, applied: null };
}
