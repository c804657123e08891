/** Waits before each attempt at a delivery: at once, then longer and longer: ten attempts in four days. Source: Standard Webhooks; infra/docs/facts.md#schedule-of-webhook-deliveries. */
const WAITS_MS: readonly number[] = [
  0,
  5_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  20 * 3_600_000,
  24 * 3_600_000,
];

/** Receivers that failed together are not asked again together. */
const JITTER = 0.1;

/** Threat: a receiver that puts us off for ever. A day is the longest wait of the schedule itself. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** An endpoint that has done nothing but fail for so long is disabled. */
export const FAILING_FOR_MS: number = 5 * 24 * 3_600_000;

/** The pause after a sending that never left: as long as that has been so, from a second to half a minute. */
const [MIN_OWN_WAIT_MS, MAX_OWN_WAIT_MS] = [1_000, 30_000];

/** What has been unable to leave for so long, longer than the whole schedule, is reported as failed; its endpoint is not to blame. */
export const UNSENT_FOR_MS: number = 4 * 24 * 3_600_000;

/** Milliseconds to the next try of something that has not left for `unsentMs`, for reasons of our own; `random` is uniform in [0, 1). */
export function waitForUs(unsentMs: number, random: number): number {
  const wait = Math.min(MAX_OWN_WAIT_MS, Math.max(MIN_OWN_WAIT_MS, unsentMs));
  return jittered(wait, random);
}

function jittered(wait: number, random: number): number {
  return Math.round(wait * (1 + JITTER * (2 * random - 1)));
}

/**
 * Milliseconds from a failed attempt to the next; null when it was the last. `made` attempts were made; `random` is
 * uniform in [0, 1); a receiver's `Retry-After` lengthens the wait and never shortens it.
 */
export function waitBeforeNext(
  made: number,
  retryAfterMs: number | null,
  random: number,
): number | null {
  const wait = WAITS_MS[made];
  if (wait === undefined) return null;
  return Math.max(jittered(wait, random), Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
}

/** Reads `Retry-After`, seconds or a date, as milliseconds from `now`; null where it is neither. Source: RFC 9110 section 10.2.3. */
export function retryAfterMs(text: string | null, now: number): number | null {
  if (text === null) return null;
  if (/^[0-9]{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
