import { describe, expect, test } from "vitest";
import type { AskedQuestion, Outcome } from "#cli/eval/answering/answerer.ts";
import { type Endpoint, EndpointFault } from "#cli/eval/answering/endpoint.ts";
import { endpointAnswerer } from "#cli/eval/answering/endpoint-answerer.ts";
import { retryAfterSeconds, waitMs } from "#cli/eval/answering/retry.ts";
import type { World } from "#cli/eval/world.ts";
import {
  type OpenAiStandIn,
  openAiStandIn,
  type StandInAnswer,
  type StandInQuestion,
} from "../../../support/openai-stand-in.ts";
import { PIXEL } from "../../../support/test-set-file.ts";

/** Nobody waits, and everybody who would is written down; chance is always a half. */
function stillWorld(): World & { readonly waits: number[] } {
  const waits: number[] = [];
  let ms = 0;
  return {
    waits,
    now: () => (ms += 7),
    date: () => Date.parse("2026-01-01T00:00:00Z"),
    sleep: async (wait) => {
      waits.push(wait);
    },
    uniform: () => 0.5,
  };
}

const asked: AskedQuestion = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is this?" },
    { role: "assistant", content: "A dog." },
    { role: "user", content: "And now?" },
  ],
  pictures: [{ kind: "bytes", bytes: PIXEL }],
  canvas: 24,
  steps: 0,
  mode: undefined,
  refresh: undefined,
  blockLength: undefined,
  stop: ["\n"],
};

function endpointAt(url: string, overrides: Partial<Endpoint> = {}): Endpoint {
  return {
    name: "twin",
    url,
    model: "twin-1",
    wire: "chat",
    apiKey: undefined,
    maxTokens: undefined,
    asksLogprobs: false,
    price: undefined,
    ...overrides,
  };
}

async function ask(
  answer: (question: StandInQuestion) => StandInAnswer,
  overrides: Partial<Endpoint> = {},
  times = 1,
) {
  await using server: OpenAiStandIn = await openAiStandIn(answer);
  const world = stillWorld();
  const answerer = endpointAnswerer(endpointAt(server.url, overrides), world);
  const outcomes: Outcome[] = [];
  let fault: unknown;
  for (let count = 0; count < times && fault === undefined; count++)
    await answerer.answer(asked, new AbortController().signal).then(
      (outcome) => outcomes.push(outcome),
      (cause: unknown) => {
        fault = cause;
      },
    );
  return { outcomes, outcome: outcomes[0], fault, questions: server.questions, waits: world.waits };
}

/** Gives these replies in turn, then the last one for ever. */
function inTurn(...answers: readonly (() => StandInAnswer)[]): () => StandInAnswer {
  let count = 0;
  return () => (answers[count++] ?? answers.at(-1))?.() ?? "";
}

const page = (status: number) => (): Response =>
  new Response("<!doctype html><title>Bad gateway</title>", {
    status,
    headers: { "content-type": "text/html" },
  });

function problem(
  status: number,
  error: object,
  headers: Record<string, string> = {},
): () => Response {
  return () => Response.json({ error }, { status, headers });
}

describe.each(["chat", "responses"] as const)("a question to an endpoint, by %s", (wire) => {
  test("has the picture before the user's first text, as a data URI, and a ceiling of tokens", async () => {
    const { outcome, questions } = await ask(() => "A cat.", { wire, apiKey: "secret" });
    expect(outcome).toMatchObject({ kind: "answered", answer: "A cat.", isCut: false });
    expect(questions[0]).toMatchObject({
      wire,
      model: "twin-1",
      texts: ["Be brief.", "What is this?", "A dog.", "And now?"],
      pictures: [`data:image/png;base64,${Buffer.from(PIXEL).toString("base64")}`],
      headers: { authorization: "Bearer secret" },
    });
    const ceiling = wire === "chat" ? "max_tokens" : "max_output_tokens";
    expect(questions[0]?.body).toMatchObject({ [ceiling]: 24, temperature: 0 });
  });

  test("costs what its tokens cost, and nobody knows what where no price is named", async () => {
    const price = { input: 150_000, output: 600_000 };
    const priced = await ask(() => "A cat.", { wire, price });
    // 100 × 0.15 + 10 × 0.6 micro-dollars.
    expect(priced.outcome).toMatchObject({ chargedMicros: 21 });
    expect((await ask(() => "A cat.", { wire })).outcome).toMatchObject({ chargedMicros: null });
  });

  test("is as sure as its tokens are on average, if they are asked for", async () => {
    const logprobs = [Math.log(0.5), Math.log(0.125)];
    const { outcome } = await ask(() => ({ text: "A cat.", logprobs }), {
      wire,
      asksLogprobs: true,
    });
    expect(outcome).toMatchObject({ confidence: expect.closeTo(0.25, 12) });
    expect((await ask(() => "A cat.", { wire })).outcome).toMatchObject({ confidence: null });
  });

  test("may be cut off, refused by the model, or filtered", async () => {
    const cut = await ask(() => ({ text: "A c", finish: "length" }), { wire });
    expect(cut.outcome).toMatchObject({ kind: "answered", answer: "A c", isCut: true });
    const refused = await ask(() => ({ text: null, refusal: "I will not." }), { wire });
    expect(refused.outcome).toEqual({ kind: "refused", code: "refusal" });
    const filtered = await ask(() => ({ text: "", finish: "content_filter" }), { wire });
    expect(filtered.outcome).toEqual({ kind: "refused", code: "content_filter" });
  });
});

describe("an endpoint that is in trouble", () => {
  test("is asked again as late as it says, a tenth later at the most, and only the last attempt is timed", async () => {
    const busy = problem(429, { message: "slow down" }, { "retry-after": "12" });
    const dated = problem(503, {}, { "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" });
    const { outcome, waits } = await ask(inTurn(busy, dated, () => "A cat."));
    expect(outcome).toMatchObject({ kind: "answered", answer: "A cat.", ms: 7 });
    expect(waits).toEqual([12_600, 63_000]);
  });

  test("is asked again after twice as long each time where it says nothing, and then has failed", async () => {
    const { outcome, waits, questions } = await ask(page(500));
    expect(outcome).toEqual({ kind: "failed", code: "http_500" });
    expect(questions).toHaveLength(8);
    expect(waits).toEqual([750, 1500, 3000, 6000, 12_000, 22_500, 22_500]);
  });

  test("has failed at once where it names a time that nobody waits for", async () => {
    const { outcome, waits } = await ask(problem(429, {}, { "retry-after": "86400" }));
    expect(outcome).toEqual({ kind: "failed", code: "http_429" });
    expect(waits).toEqual([]);
  });

  test("has failed with a page, and with a reply of another API, and neither is an answer", async () => {
    expect((await ask(page(200))).outcome).toEqual({ kind: "failed", code: "not_json" });
    const { outcome } = await ask(() => Response.json({ answer: "A cat." }));
    expect(outcome).toEqual({ kind: "failed", code: "not_the_api" });
  });

  test("ends its column where every question would fare alike", async () => {
    const { fault } = await ask(problem(401, { message: "no such key" }));
    expect(fault).toBeInstanceOf(EndpointFault);
    expect(String(fault)).toContain("status 401: no such key");
    const gone = await openAiStandIn(() => "A cat.");
    await gone[Symbol.asyncDispose]();
    const nobody = endpointAnswerer(endpointAt(gone.url), stillWorld());
    await expect(nobody.answer(asked, new AbortController().signal)).rejects.toThrow(EndpointFault);
  });

  test("ends its column after five questions in a row without an answer, and not sooner", async () => {
    const failing = await ask(page(502), {}, 6);
    expect(failing.outcomes).toHaveLength(4);
    expect(String(failing.fault)).toMatch(
      /5 questions in a row got no answer; the last one http_502/,
    );
    const refusing = await ask(
      problem(400, { message: "no pictures", code: "no_pictures" }),
      {},
      6,
    );
    expect(refusing.outcomes).toHaveLength(4);
    expect(String(refusing.fault)).toContain("no_pictures: no pictures");
  });

  test("may refuse as many questions as it likes once it has answered one", async () => {
    const refusal = problem(400, { message: "too long", code: "too_long" });
    const { outcomes, fault } = await ask(
      inTurn(() => "A cat.", refusal),
      {},
      9,
    );
    expect(fault).toBeUndefined();
    expect(outcomes.slice(1)).toEqual(Array(8).fill({ kind: "refused", code: "too_long" }));
  });

  test("is asked without what it does not know, and from then on for good", async () => {
    const strict = ({ body }: StandInQuestion): StandInAnswer => {
      const wrong = ["max_tokens", "temperature"].find((name) => name in body);
      return wrong === undefined
        ? "A cat."
        : problem(400, { message: `Unsupported parameter: '${wrong}'`, param: wrong })();
    };
    const { outcomes, questions } = await ask(strict, {}, 2);
    expect(outcomes).toMatchObject([{ answer: "A cat." }, { answer: "A cat." }]);
    expect(questions).toHaveLength(4);
    expect(questions.at(-1)?.body).toMatchObject({ max_completion_tokens: 24 });
  });

  test("is not shown what is no picture", async () => {
    await using server = await openAiStandIn(() => "A cat.");
    const answerer = endpointAnswerer(endpointAt(server.url), stillWorld());
    const broken = {
      ...asked,
      pictures: [{ kind: "bytes", bytes: Uint8Array.of(1, 2, 3) }],
    } as const;
    expect(await answerer.answer(broken, new AbortController().signal)).toEqual({
      kind: "refused",
      code: "picture_unreadable",
    });
    expect(server.questions).toEqual([]);
  });
});

describe("the time until another attempt", () => {
  test("lies between half and all of what doubles with each", () => {
    expect(waitMs(3, undefined, { uniform: () => 0 })).toBe(2000);
    expect(waitMs(3, undefined, { uniform: () => 1 })).toBe(4000);
    expect(waitMs(60, undefined, { uniform: () => 1 })).toBe(30_000);
  });

  test.each([
    ["7", 7],
    [" 0 ", 0],
    ["Thu, 01 Jan 1970 00:00:10 GMT", 9],
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
    ["soon", undefined],
    ["-3", undefined],
    [null, undefined],
  ])("%j is %j seconds", (header, seconds) => {
    expect(retryAfterSeconds(header, 1000)).toBe(seconds);
  });
});
