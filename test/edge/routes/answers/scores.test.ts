import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { scoresSchema } from "#wire/api/answers/scores/score-reply.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { decodeOrderHead } from "#wire/function/order.ts";
import { pngBytes } from "../../../support/edge-builders.ts";
import { headIn } from "../../../support/orders.ts";
import { readStory } from "../../../support/read-stories.ts";
import { ask, eventReply, functionReplies, refusal } from "../../function-double.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const image = { data: encodeBase64(pngBytes) };
const answers = ["A dog.", "A cat.", "A guinea pig."];

/** The function scores whatever it is asked to, each answer half as likely as the one before. */
function functionScores(): ReturnType<typeof functionReplies> {
  return functionReplies(({ body }) => {
    const head = decodeOrderHead(headIn(body));
    if (!head.ok || head.value.read === undefined) throw new Error("the order scores nothing");
    return eventReply(readStory(head.value.read, head.value.options.steps));
  });
}

async function post(path: string, body: object, headers: HeadersInit = {}): Promise<Response> {
  return await ask(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

describe("POST /v1/scores", () => {
  test("says how likely each answer is, in the order of the request, and which is the likeliest", async () => {
    functionScores();
    const response = await post("/v1/scores", { image, question: "What is this?", answers });
    expect(response.status).toBe(200);
    const body = scoresSchema.parse(await response.json());
    expect(body.scores.map(({ answer }) => answer)).toEqual(answers);
    expect(body.scores.map((score) => Math.exp(score.log_probability))).toEqual([
      expect.closeTo(0.5, 9),
      expect.closeTo(0.25, 9),
      expect.closeTo(0.125, 9),
    ]);
    expect(body.scores.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(body.best).toBe("A dog.");
  });

  test.each([
    ["joint", 1],
    ["chain", answers.reduce((sum, answer) => sum + answer.length + 2, 0)],
  ] as const)("%s costs what its quote says, in %i passes at most", async (method, passes) => {
    functionScores();
    const body = { image, question: "What is this?", answers, method, canvas: 32 };
    const quoted = await (await post("/v1/quotes", body)).json();
    expect(quoted).toMatchObject({ forward_passes: passes, canvas: 32 });
    const told = scoresSchema.parse(await (await post("/v1/scores", body)).json());
    expect(told.charged_micros).toBe((quoted as { price_micros: number }).price_micros);
    expect(told.usage.forward_passes).toBe(passes);
  });

  test("repeated under its Idempotency-Key is told the same, and charged once", async () => {
    const { sent } = functionScores();
    const headers = { "idempotency-key": crypto.randomUUID() };
    const body = { image, question: "What is this?", answers };
    const first = await (await post("/v1/scores", body, headers)).json();
    const asked = sent.length;
    const again = await post("/v1/scores", body, headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await again.json()).toEqual(first);
    expect(sent.length).toBe(asked);
  });

  test("is kept as an answer with one field, under its id", async () => {
    functionScores();
    const body = { image, question: "What is this?", answers };
    const { id } = scoresSchema.parse(await (await post("/v1/scores", body)).json());
    expect(await (await ask(`/v1/answers/${id}`)).json()).toMatchObject({
      object: "answer",
      fields: { answers: { type: "answers", value: "A dog." } },
    });
  });

  test.each<[string, object, string, string]>([
    ["no answers", { answers: [] }, "/answers", "invalid_request"],
    ["a blank one", { answers: ["a", " "] }, "/answers/1", "fields_invalid"],
    ["one twice", { answers: ["\u00e9", "e\u0301"] }, "/answers/1", "field_options_collide"],
    ["a method that nobody knows", { answers, method: "all" }, "/method", "invalid_request"],
    ["fields too", { answers, fields: { is: { type: "boolean" } } }, "/fields", "fields_invalid"],
    ["a stream", { answers, stream: true }, "/stream", "invalid_request"],
    ["a canvas that no model has", { answers, canvas: 100_000 }, "/canvas", "invalid_request"],
  ])("refuses %s before any work, and says where", async (_, body, pointer, code) => {
    const { sent } = functionScores();
    const question = { image, question: "What is this?" };
    const response = await post("/v1/scores", { ...question, ...body });
    expect(response.status).toBe(400);
    const problem = await refusal(response);
    expect(problem.code).toBe(code);
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
    expect(sent).toEqual([]);
  });
});
