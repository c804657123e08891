import type { Context, MiddlewareHandler } from "hono";
import { chatError, chatErrorStatus } from "#wire/compatible/chat-reply.ts";
import {
  systemOneError,
  systemOneStatus,
} from "#wire/compatible/decisions/systemone/systemone-error.ts";
import { PROBLEM_CONTENT_TYPE, type Problem } from "#wire/error.ts";
import type { EdgeEnv } from "../env.ts";

/** How another API writes a refusal. */
export interface ErrorShape {
  readonly body: (problem: Problem) => object;
  readonly status: (problem: Problem) => number;
}

/** `{error: {message, type, param, code}}`, which OpenAI's and Moondream's clients read. */
const openAiShape: ErrorShape = { body: chatError, status: chatErrorStatus };

/** `{detail: …}`, which Jev's clients read. */
const jevShape: ErrorShape = { body: systemOneError, status: systemOneStatus };

/** Writes every refusal behind it, the guards' too, in another API's shape. `applies`: to which requests; to all where it is left out. */
export function errorShape(
  applies: (c: Context<EdgeEnv>) => boolean = () => true,
  shape: ErrorShape = openAiShape,
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
    const init = { status: shape.status(problem), headers };
    c.res = new Response(JSON.stringify(shape.body(problem)), init);
  };
}

/** What Jev's clients read of every reply behind it: refusals in their shape, and the request's id where they look for it. */
export function jevReplies(): MiddlewareHandler<EdgeEnv> {
  const shape = errorShape(undefined, jevShape);
  return async function jevReplies(c, next) {
    await shape(c, next);
    c.res.headers.set("x-typesafe-request-id", c.get("requestId"));
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
