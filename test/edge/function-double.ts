import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { ModelCatalog } from "#edge/models/catalog.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import { type Problem, problemSchema } from "#wire/error.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { GENERATE_PATH, MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { MODEL_CARD_PATH, type ModelCard } from "#wire/function/status.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { checkedFetch } from "./checked-fetch.ts";

export const digest = "ab".repeat(32);

/** Sends a request to the Worker with the key of the tests; what is said must be as the API's description says. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("authorization")) headers.set("authorization", `Bearer ${env.TEST_API_KEY}`);
  return await checkedFetch(`https://unmask.test${path}`, { ...init, headers });
}

/** Sends a JSON question. */
export async function askJson(body: unknown, headers: HeadersInit = {}): Promise<Response> {
  return await ask("/v1/answers", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

/** What the Worker sent to the function. */
export interface SentRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

/** What a double was sent. */
export interface FunctionDouble {
  /** Everything: webhooks and pictures of addresses go through the function as well. */
  readonly sent: readonly SentRequest[];
  /** Answers alone. A webhook of an earlier test that is due again comes whenever its time has come. */
  readonly orders: readonly SentRequest[];
}

/**
 * Stands in for the function: what the Worker fetches goes to `reply`. Replies must be made inside it (workerd binds them
 * to the request). The question for its model card, which the cache asks before every answer, is answered aside with
 * `card`; without one the model is not ready, and nothing is cached. "asked": it goes to `reply` like any other.
 */
export function functionReplies(
  reply: (sent: SentRequest) => Response | Promise<Response>,
  card?: ModelCard | "asked",
): FunctionDouble {
  const sent: SentRequest[] = [];
  const orders: SentRequest[] = [];
  // All files share an isolate, which remembers for seconds what another test's function said of its model.
  vi.spyOn(ModelCatalog.prototype, "told").mockRestore();
  const { told: read } = ModelCatalog.prototype;
  const fresh = new ModelCatalog();
  const told = vi.spyOn(ModelCatalog.prototype, "told");
  const silence = { kind: "function_unreachable" } as const;
  if (card === undefined)
    told.mockResolvedValue({ word: { ok: false, refusal: silence }, last: undefined });
  else told.mockImplementation((...asked) => read.apply(fresh, asked));
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const asked = new Request(input, init);
    const { url, headers, signal } = asked;
    const { pathname } = new URL(url);
    if (card !== "asked" && pathname === MODEL_CARD_PATH)
      return card === undefined ? new Response("", { status: 503 }) : Response.json(card);
    const body = new Uint8Array(await asked.arrayBuffer());
    const request: SentRequest = { url, headers, signal, body };
    sent.push(request);
    if (pathname === GENERATE_PATH) orders.push(request);
    return await reply(request);
  });
  return { sent, orders };
}

/** A reply of the function that tells these events and ends. */
export function eventReply(events: readonly AnswerEvent[]): Response {
  const text = events.map((event) => encodeSse(eventMessage(event, "ans_x"))).join("");
  return streamReply(new Response(text).body);
}

/** A reply of the function with any body. */
export function streamReply(body: ReadableStream<Uint8Array> | null): Response {
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      [MODEL_DIGEST_HEADER]: digest,
      [HOP_VERSION_HEADER]: String(HOP_VERSION),
    },
  });
}

/** Reads a refusal and holds it to what all refusals have in common. */
export async function refusal(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = problemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.request_id).toBe(response.headers.get("x-request-id"));
  expect(problem.charged_micros).toBe(0);
  return problem;
}
