import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { MAX_DEADLINE_MS } from "#wire/limits.ts";

/** Plain seconds, or numbers with units. That they come to a day at most is checked apart. */
export const cancelAfterShape: RegExp = /^(?:[0-9]{1,6}|(?:[0-9]{1,8}(?:ms|s|m|h))+)$/;

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Reads `Cancel-After` as Replicate's clients send it, `30s`, `1m30s`, `2h`, or plain seconds: milliseconds, null where
 * none is sent. Refuses anything else with `invalid_request`. Source: replicate.com/changelog/2025-10-16-prediction-deadlines.
 */
export function cancelAfter(header: string | undefined): Result<number | null, Failure> {
  if (header === undefined) return ok(null);
  const text = header.trim();
  if (!cancelAfterShape.test(text)) return refuseHeader();
  if (/^[0-9]+$/.test(text)) return within(Number(text) * 1000);
  const parts = [...text.matchAll(/([0-9]+)(ms|s|m|h)/g)];
  return within(
    parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNITS[unit as keyof typeof UNITS], 0),
  );
}

function within(milliseconds: number): Result<number, Failure> {
  return milliseconds <= MAX_DEADLINE_MS ? ok(milliseconds) : refuseHeader();
}

function refuseHeader(): Result<never, Failure> {
  const message = "must be a time up to a day, such as 30s, 1m30s, 2h or 45";
  return refuse({
    kind: "invalid_request",
    problems: [{ pointer: "/Cancel-After", message: `the header ${message}` }],
  });
}
