import { type Allowance, RATE_WINDOW_SECONDS } from "#domain/limits.ts";

/**
 * Writes what is left of each rate as `RateLimit-Policy` and `RateLimit`; no fields where nothing was looked at.
 * Source: draft-ietf-httpapi-ratelimit-headers-10 sections 3 and 4 (structured fields, RFC 9651).
 */
export function rateLimitFields(allowances: readonly Allowance[]): Record<string, string> {
  if (allowances.length === 0) return {};
  const policies = allowances.map(
    ({ name, quota }) => `"${name}";q=${quota};w=${RATE_WINDOW_SECONDS}`,
  );
  const limits = allowances.map(
    ({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`,
  );
  return { "ratelimit-policy": policies.join(", "), ratelimit: limits.join(", ") };
}
