import type { World } from "../world.ts";

/** Attempts at one question: whoever is asked has then been away, or busy, for two minutes. */
export const MAX_ATTEMPTS = 8;

/** Longest wait between attempts where nobody names one. */
const MAX_WAIT_SECONDS = 30;

/** Threat: a reply that has the evaluation wait until next year. Limits by the minute and a restart are over in this time. */
export const MAX_RETRY_AFTER_SECONDS = 600;

/**
 * Milliseconds until the next attempt, after so many of them, from 1: what was named, and up to a tenth more; else twice as long
 * each time, and between half of that and all of it, so that many that were refused together do not come back together.
 */
export function waitMs(
  attempt: number,
  named: number | undefined,
  { uniform }: Pick<World, "uniform">,
): number {
  if (named !== undefined) return named * 1000 * (1 + uniform() / 10);
  const seconds = Math.min(MAX_WAIT_SECONDS, 2 ** (attempt - 1));
  return seconds * 1000 * (0.5 + uniform() / 2);
}

/** Reads `Retry-After`, seconds or a date, as seconds from now; undefined where there is none that can be kept to. Source: RFC 9110, 10.2.3. */
export function retryAfterSeconds(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // A date begins with its weekday; what else parses as one is none.
  const seconds = /^[A-Z][a-z]{2}/.test(text) ? (Date.parse(text) - nowMs) / 1000 : Number.NaN;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
