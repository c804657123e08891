import { describe, expect, test } from "vitest";
import type { Answer, AnswerUpdate } from "#client/answer-stream.ts";
import { type Client, createClient } from "#client/client.ts";
import { RefusedError } from "#client/errors.ts";
import { problemOf } from "#wire/error.ts";
import { collect, failures } from "../support/edge-builders.ts";

const id = "ans_1";

function answer(status: Answer["status"], steps: number): Answer {
  return {
    ...{ id, object: "answer", status, answer: "A ", confidence: 0.5, model: "demo" },
    ...{ model_digest: null, numerics: null, restarts: 0, digest: null, cached: false },
    usage: {
      ...{ image_vectors: 0, cached_image_vectors: 0, prompt_length: 1, canvas: 4, steps },
      ...{ forward_passes: steps, refreshes: 1, rows: 1 },
    },
    ...{ charged_micros: 0, created_at: "", ended_at: null, tokens: [], error: null, warnings: [] },
  } as unknown as Answer;
}

/** A reply as React Native gives it: a whole text, and nothing to read it from as it arrives. */
function whole(body: unknown, headers: Record<string, string> = {}): Response {
  const response = Response.json(body, { headers });
  return Object.defineProperty(response, "body", { value: undefined });
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
}

/** A client whose service answers with these bodies in turn, the last one again and again. */
function clientOf(
  bodies: readonly Response[],
  stream?: boolean,
): { readonly client: Client; readonly sent: Sent[]; readonly rested: number[] } {
  const sent: Sent[] = [];
  const rested: number[] = [];
  const replies = [...bodies];
  const client = createClient({
    baseUrl: "http://api.test",
    ...(stream === undefined ? {} : { stream }),
    fetch: async (input, init = {}) => {
      const [method, path] = [init.method ?? "GET", new URL(String(input)).pathname];
      sent.push({ method, path, headers: new Headers(init.headers) });
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply === undefined) throw new Error("nothing is left to answer");
      return reply;
    },
    sleep: async (milliseconds) => void rested.push(milliseconds),
  });
  return { client, sent, rested };
}

const events = (updates: readonly AnswerUpdate[]): string[] => updates.map(({ event }) => event);

describe("where replies cannot be read as they arrive", () => {
  const steps = (): Response[] => [
    whole(answer("queued", 0)),
    whole(answer("running", 1)),
    whole(answer("running", 1)),
    whole(answer("running", 3)),
    whole(answer("completed", 4)),
  ];

  test("an answer is looked at each second until it has ended, and what changed is told", async () => {
    const { client, sent, rested } = clientOf(steps(), false);
    const asked = client.ask({ question: "?" });
    expect(events(await collect(asked))).toEqual([
      ...["answer.snapshot", "answer.snapshot", "answer.snapshot", "answer.completed"],
    ]);
    expect((await asked).status).toBe("completed");
    expect(rested).toEqual([1000, 1000, 1000, 1000]);
    expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /v1/answers",
      ...Array(4).fill(`GET /v1/answers/${id}`),
    ]);
    expect(sent[0]?.headers.get("prefer")).toBe("wait=1");
    expect(sent[0]?.headers.get("idempotency-key")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("an answer that is there at once is told at once", async () => {
    const { client, sent } = clientOf([whole(answer("completed", 4))], false);
    expect(events(await collect(client.ask({ question: "?" })))).toEqual(["answer.completed"]);
    expect(sent).toHaveLength(1);
  });

  test("a failed answer is a refusal", async () => {
    const problem = problemOf(failures.function_timeout, { requestId: "req_1", instance: "/" });
    const failed = { ...answer("failed", 1), error: problem };
    const { client } = clientOf([whole(answer("running", 1)), whole(failed)], false);
    const error = await client.ask({ question: "?" }).then(undefined, (cause) => cause);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: "function_timeout", status: 504, requestId: "req_1" });
  });

  test("that is noticed by a reply without a body: its answer is looked at by its id", async () => {
    const streamed = { "content-type": "text/event-stream", location: `/v1/answers/${id}` };
    const { client, sent } = clientOf([whole("", streamed), whole(answer("completed", 4))]);
    expect(events(await collect(client.ask({ question: "?" })))).toEqual(["answer.completed"]);
    expect(sent[1]?.path).toBe(`/v1/answers/${id}`);
  });

  test("and where that reply does not tell the id, it is asked again under the same key", async () => {
    const streamed = { "content-type": "text/event-stream" };
    const { client, sent } = clientOf([whole("", streamed), whole(answer("completed", 4))]);
    await client.ask({ question: "?" });
    expect(sent.map(({ path }) => path)).toEqual(["/v1/answers", "/v1/answers"]);
    const [first, second] = sent.map(({ headers }) => headers.get("idempotency-key"));
    expect(second).toBe(first);
    expect(sent[1]?.headers.get("accept")).toBe("application/json");
  });

  test("leaving the loop gives the question up", async () => {
    const { client, sent } = clientOf(steps(), false);
    for await (const _ of client.ask({ question: "?" })) break;
    expect(sent.at(-1)).toMatchObject({ method: "POST", path: `/v1/answers/${id}/cancel` });
  });
});

describe("watching an answer that was asked before", () => {
  test("leaves it to who asked: leaving the loop stops nothing", async () => {
    const { client, sent } = clientOf([whole(answer("running", 1))], false);
    for await (const _ of client.watch(id)) break;
    expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([`GET /v1/answers/${id}`]);
  });

  test("behind its end looks at it once", async () => {
    const { client, sent } = clientOf([
      new Response(null, { status: 204 }),
      whole(answer("completed", 4)),
    ]);
    expect(events(await collect(client.watch(id, { lastEventId: `${id}.5` })))).toEqual([
      "answer.completed",
    ]);
    expect(sent[0]?.path).toBe(`/v1/answers/${id}/events`);
    expect(sent[0]?.headers.get("last-event-id")).toBe(`${id}.5`);
  });
});
