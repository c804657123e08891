import type { Notice } from "#domain/notice.ts";

/** Standard Webhooks advises under 20 KB: beyond it the tokens stay away, which `GET /v1/answers/{id}` has. */
const MAX_BODY_BYTES = 20_000;

/** Writes the body of a notice, whose bytes every sending and every signature is of; without its tokens where it would be too long. */
export function noticeBody({ type, at, data }: Notice): string {
  const timestamp = new Date(at).toISOString();
  const whole = JSON.stringify({ type, timestamp, data });
  if (new TextEncoder().encode(whole).length <= MAX_BODY_BYTES) return whole;
  const { tokens: _, ...rest }: { tokens?: unknown } = data;
  return JSON.stringify({ type, timestamp, data: { ...rest, tokens: [], truncated: true } });
}
