import { afterEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import type { ReadOrder } from "#domain/question.ts";
import { chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { decisionsReplySchema } from "#wire/compatible/decisions/decisions-reply.ts";
import { systemOneErrorSchema } from "#wire/compatible/decisions/systemone/systemone-error.ts";
import { systemOneReplySchema } from "#wire/compatible/decisions/systemone/systemone-reply.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { failures, pngBytes } from "../../../support/edge-builders.ts";
import { readOrderBody } from "../../../support/orders.ts";
import { readStory } from "../../../support/read-stories.ts";
import { ask, eventReply, functionReplies, type SentRequest } from "../../function-double.ts";
import { pngUri, post } from "../compatible-calls.ts";

afterEach(() => vi.restoreAllMocks());

const input = [{ role: "user", content: [{ type: "input_image", image_url: pngUri }] }];
const damaged = { type: "predicate", name: "damaged", instructions: "Is it damaged?" };
const kind = {
  ...{ type: "choice", name: "kind", instructions: "What is it?" },
  choices: [{ value: "vase" }, { value: "cup" }],
};
const worn = {
  type: "score",
  instructions: "How worn?",
  levels: [{ label: "new" }, { label: "old" }],
};
const decisions = (body: object = {}) => ({
  ...{ model: "unmask-demo", input, questions: [damaged, kind, worn] },
  ...body,
});
const questions = {
  damaged: { type: "noul", instructions: "Is it damaged?" },
  "is it": { type: "choice", criteria: { vase: "of glass", cup: null } },
};
const systemOne = (body: object = {}) => ({
  ...{ model: "jev-latest", state: null, images: [pngUri], questions },
  ...body,
});

function readOf({ body }: SentRequest): ReadOrder {
  const order = readOrderBody(body);
  if (!order.ok || order.value.read === undefined) throw new Error("no fields were asked for");
  return order.value.read;
}

/** A function that reads what it is asked for; `declined` names fields of which it is not sure enough. */
function reads(declined: readonly string[] = []): ReturnType<typeof functionReplies> {
  return functionReplies((sent) =>
    sent.url.endsWith("/generate")
      ? eventReply(declining(readStory(readOf(sent)), declined))
      : new Response("", { status: 503 }),
  );
}

function declining(events: readonly AnswerEvent[], names: readonly string[]): AnswerEvent[] {
  return events.map((event) => {
    if (!("fields" in event) || event.fields === undefined) return event;
    const fields = event.fields.map((field) =>
      names.includes(field.name) && field.reading.kind === "closed"
        ? { ...field, reading: { ...field.reading, value: null, abstained: true } }
        : field,
    );
    return { ...event, fields };
  });
}

describe("POST /v1/decisions", () => {
  test("answers each question in order, by fields of one order, with what every such reply says in its headers", async () => {
    const { sent } = reads();
    const response = await post("/v1/decisions", decisions());
    expect(response.status).toBe(200);
    const reply = decisionsReplySchema.parse(await response.json());
    expect(reply.answers).toMatchObject([
      { type: "predicate", name: "damaged", probability: 0.75 },
      { type: "choice", name: "kind", choice: "vase" },
      { type: "score", name: null, score: 0.25 },
    ]);
    expect(readOf(sent.at(-1)!).fields.map(({ name }) => name)).toEqual(["q1", "q2", "q3"]);
    for (const name of ["ratelimit", "cache-status", "server-timing", "x-request-id"])
      expect(response.headers.has(name)).toBe(true);
  });

  test("costs what a quote of the same fields says, and once under an Idempotency-Key", async () => {
    const { orders } = reads();
    const body = decisions({ x_unmask: { cache: "off" } });
    const headers = { "idempotency-key": "decide-once" };
    const first = decisionsReplySchema.parse(
      await (await post("/v1/decisions", body, headers)).json(),
    );
    const again = await post("/v1/decisions", body, headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(decisionsReplySchema.parse(await again.json())).toEqual(first);
    expect(orders).toHaveLength(1);
    const quoted = await post("/v1/quotes", {
      messages: [{ role: "user", content: "", images: [pngUri] }],
      fields: {
        q1: { type: "boolean", instructions: "Is it damaged?" },
        q2: { type: "choice", instructions: "What is it?", criteria: ["vase", "cup"] },
        q3: { type: "score", instructions: "How worn?", criteria: ["new", "old"] },
      },
    });
    const { price_micros } = (await quoted.json()) as { price_micros: number };
    expect(first.x_unmask.charged_micros).toBe(price_micros);
  });

  test("tells a question that the model abstains from as a refusal, and what it thought beside it", async () => {
    reads(["q2"]);
    const body = decisions({ x_unmask: { abstain_below: 0.9, cache: "off" } });
    const reply = decisionsReplySchema.parse(await (await post("/v1/decisions", body)).json());
    expect(reply.answers.map(({ type }) => type)).toEqual(["predicate", "refusal", "score"]);
    expect(reply.x_unmask.read[1]).toMatchObject({ guess: "vase", abstained: true });
  });

  test.each<[string, object, string]>([
    ["65 questions", { questions: Array(65).fill(damaged) }, "questions"],
    ["a call of a tool", { input: [{ type: "function_call", name: "f" }] }, "input.0.role"],
    [
      "two choices that are one text",
      { questions: [{ ...kind, choices: [{ value: true }, { value: "true" }] }] },
      "questions.0.choices",
    ],
  ])("refuses %s by name in OpenAI's shape, before any work", async (_, body, param) => {
    const { sent } = reads();
    const response = await post("/v1/decisions", decisions(body));
    expect(response.status).toBe(400);
    const { error } = chatErrorSchema.parse(await response.json());
    expect([error.type, error.param]).toEqual(["invalid_request_error", param]);
    expect(sent).toEqual([]);
  });

  test.each(["", "{", "[]", "null", '{"input":{},"questions":[{}]}'])(
    "withstands the body %j with a refusal",
    async (body) => {
      expect((await post("/v1/decisions", body)).status).toBe(400);
    },
  );

  test("refuses callers without a key and other methods in OpenAI's shape", async () => {
    const noKey = await post("/v1/decisions", decisions(), { authorization: "" });
    expect([noKey.status, chatErrorSchema.parse(await noKey.json()).error.code]).toEqual([
      401,
      "unauthenticated",
    ]);
    expect((await ask("/v1/decisions")).status).toBe(405);
  });
});

describe("POST /v1/systemone", () => {
  test("answers each question by its name, also where the model abstains, and says so beside it", async () => {
    reads(["q1"]);
    const response = await post("/v1/systemone", systemOne({ x_unmask: { cache: "off" } }));
    expect(response.status).toBe(200);
    const reply = systemOneReplySchema.parse(await response.json());
    expect(reply).toMatchObject({
      answers: {
        damaged: { type: "noul", noul: 0.75 },
        "is it": { choice: "vase", probabilities: { vase: 0.75, cup: 0.25 } },
      },
      x_unmask: { read: [{ abstained: true }, { abstained: false }] },
    });
    expect(response.headers.get("x-typesafe-request-id")).toBe(
      response.headers.get("x-request-id"),
    );
  });

  test("takes a form of the body and its pictures, which are the same question whatever they are called", async () => {
    const { orders } = reads();
    const asked = async (name: string): Promise<Response> => {
      const assets = { [name]: { type: "image", part: "asset-0" } };
      const words = { state: `A photo: ${name}`, x_unmask: { cache: "off" } };
      const { images: _, ...body } = systemOne({ ...words, assets });
      const form = new FormData();
      form.append("request", new Blob([JSON.stringify(body)], { type: "application/json" }));
      form.append("asset-0", new Blob([pngBytes], { type: "image/png" }), "asset-0");
      return await ask("/v1/systemone", { method: "POST", body: form });
    };
    const first = await asked("<image:1>");
    expect([first.status, systemOneReplySchema.parse(await first.json()).answers]).toMatchObject([
      200,
      { damaged: { noul: 0.75 } },
    ]);
    expect((await asked("<image:2>")).status).toBe(200);
    const [one, other] = orders.map(({ body }) => readOrderBody(body));
    expect(one).toMatchObject({ value: { messages: [{ text: "A photo: the picture" }] } });
    expect(other).toEqual(one);
    const response = await post("/v1/systemone", "state=1", { "content-type": "text/plain" });
    expect(response.status).toBe(415);
  });

  test("refuses as Jev does: faults of the body as a list, a question as a sentence, others by type", async () => {
    const { sent } = reads();
    const refusal = async (body: unknown, headers = {}) => {
      const response = await post("/v1/systemone", body, headers);
      expect(response.headers.get("x-typesafe-request-id")).toMatch(/^req_/);
      return [response.status, systemOneErrorSchema.parse(await response.json())] as const;
    };
    expect(await refusal(systemOne({ think: 64 }))).toMatchObject([
      422,
      { detail: [{ loc: ["body", "think"], msg: expect.stringContaining("writes nothing") }] },
    ]);
    const alone = { alone: { type: "choice", criteria: { vase: null } } };
    expect(await refusal(systemOne({ questions: alone }))).toMatchObject([
      400,
      { detail: expect.stringContaining("/questions/alone/criteria"), code: "fields_invalid" },
    ]);
    expect(await refusal(systemOne(), { authorization: "" })).toMatchObject([
      401,
      { detail: { error_type: "authentication_error" } },
    ]);
    expect(sent).toEqual([]);
  });

  test.each(["", "{", "[]", "null", '{"state":1,"questions":{"a":{"type":"noul","criteria":[]}}}'])(
    "withstands the body %j with a refusal",
    async (body) => {
      expect((await post("/v1/systemone", body)).status).toBe(422);
    },
  );

  test("says that the service has too much to do as Jev's clients know it", async () => {
    functionReplies(() => refusalResponse(failures.overloaded, { requestId: "r", instance: "/" }));
    const response = await post("/v1/systemone", systemOne({ x_unmask: { cache: "off" } }));
    expect([response.status, await response.json()]).toMatchObject([
      529,
      { detail: { error_type: "overloaded_error" } },
    ]);
  });
});
