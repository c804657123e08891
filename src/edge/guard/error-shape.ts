import type { Context, MiddlewareHandler } from "hono";
import { chatError, chatErrorStatus } from "#wire/compatible/chat-reply.ts";
import { PROBLEM_CONTENT_TYPE, type Problem } from "#wire/error.ts";
import type { EdgeEnv } from "../env.ts";

/**
 * Writes every refusal behind it, the guards' too, as `{error: {message, type, param, code}}`, which OpenAI's and Moondream's
 * clients read. `applies`: to which requests; to all where it is left out.
 */
export function errorShape(
  applies: (c: Context<EdgeEnv>) => boolean = () => true,
): MiddlewareHandler<EdgeEnv> {
  return async function errorShape(c, next) {
    await next();
    const refusal = c.res;
    if (refusal.headers.get("content-type") !== PROBLEM_CONTENT_TYPE || !applies(c)) return;
    const problem: Problem = await refusal.json();
    const headers = new Headers(refusal.headers);
    headers.set("content-type", "application/json");
    // OpenAI's clients take this for more than the status, which does not say whether trying again helps.
    headers.set("x-should-retry", String(problem.retryable));
    c.res = undefined;
    const init = { status: chatErrorStatus(problem), headers };
    c.res = new Response(JSON.stringify(chatError(problem)), init);
  };
}

/**
 * Whether a request comes from one of OpenAI's clients, or of those that speak like them: they show nothing of a refusal in any
 * other shape. Source: the headers that openai for JavaScript and Python, the AI SDK and LiteLLM send.
 */
export function isOpenAiClient({ req }: Context<EdgeEnv>): boolean {
  return (
    req.header("x-stainless-lang") !== undefined ||
    /\b(?:openai|ai-sdk|litellm)\b/i.test(req.header("user-agent") ?? "")
  );
}
