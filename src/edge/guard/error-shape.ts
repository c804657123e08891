import type { MiddlewareHandler } from "hono";
import { chatError } from "#wire/chat-reply.ts";
import { PROBLEM_CONTENT_TYPE, type Problem } from "#wire/error.ts";
import type { EdgeEnv } from "../env.ts";

/** Writes every refusal behind it, the guards' too, as `{error: {message, type, param, code}}`, which OpenAI's and Moondream's clients read. */
export function errorShape(): MiddlewareHandler<EdgeEnv> {
  return async function errorShape(c, next) {
    await next();
    const refusal = c.res;
    if (refusal.headers.get("content-type") !== PROBLEM_CONTENT_TYPE) return;
    const problem: Problem = await refusal.json();
    const headers = new Headers(refusal.headers);
    headers.set("content-type", "application/json");
    // OpenAI's clients take this for more than the status, which does not say whether trying again helps.
    headers.set("x-should-retry", String(problem.retryable));
    c.res = undefined;
    c.res = new Response(JSON.stringify(chatError(problem)), { status: refusal.status, headers });
  };
}
