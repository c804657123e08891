import {
  APICallError,
  createProviderRegistry,
  type Experimental_DecisionQuestion,
  type Experimental_ExtractionField,
  experimental_decide,
  experimental_extract,
  NoSuchModelError,
} from "ai";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createUnmask } from "#client/ai-sdk/provider.ts";
import {
  type AnswerRequest,
  parseAnswerForm,
  parseAnswerJson,
} from "#wire/api/answers/requests.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import { problemOf } from "#wire/error.ts";
import { formParts, jsonBody, shown } from "../support/bodies.ts";
import { failures, pngBytes } from "../support/edge-builders.ts";
import { readAnswer, readingCard, weights } from "../support/readings.ts";

// The AI SDK itself decides and extracts: it holds every answer to what it knows of decisions and extractions, and throws where one is not.

/** A service that reads each question's fields with weights, and what it was asked. */
function service(stream: Iterable<readonly number[]> = [], change: Partial<AnswerBody> = {}) {
  const asked: AnswerRequest[] = [];
  const sent: { readonly headers: Headers; readonly text: string }[] = [];
  const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
    const request = new Request("https://unmask.test/", init ?? {});
    const copy = request.clone();
    const isForm = request.headers.get("content-type")?.startsWith("multipart/") === true;
    const read = isForm
      ? parseAnswerForm(await formParts(await request.formData()), readingCard)
      : parseAnswerJson(jsonBody(await request.bytes()), readingCard);
    sent.push({ headers: request.headers, text: await copy.text() });
    if (!read.ok) return refusing(read.refusal);
    asked.push(read.value);
    const { fields = [], abstainBelow = 0 } = read.value.read ?? {};
    const answer = { ...readAnswer(fields, stream, abstainBelow), ...change };
    return new Response(encodeSse({ event: "answer.completed", data: JSON.stringify(answer) }), {
      headers: { "content-type": "text/event-stream" },
    });
  };
  const settings = { baseUrl: "https://unmask.test", apiKey: "umk_test_a", retries: 0 };
  return {
    unmask: createUnmask({ ...settings, fetch: fetch as typeof globalThis.fetch }),
    asked,
    sent,
  };
}

function refusing(failure: Parameters<typeof problemOf>[0]): Response {
  const problem = problemOf(failure, { requestId: "req_1", instance: "/v1/answers" });
  return Response.json(problem, { status: problem.status });
}

const sentOf = ([request]: readonly AnswerRequest[]) => request?.read?.fields ?? [];
const damaged = { type: "boolean", instructions: "Is it damaged?" } as const;

describe("experimental_decide with unmask.decisionModel()", () => {
  test("asks its questions as fields about the state: texts and data as lines, pictures in their order", async () => {
    const { unmask, asked, sent } = service();
    await experimental_decide({
      model: unmask.decisionModel("unmask-demo"),
      state: [
        { type: "text", text: "Inspect this." },
        { type: "file", mediaType: "image/png", data: pngBytes },
        { type: "json", value: { product: "vase" } },
      ],
      questions: {
        damaged,
        kind: {
          ...{ type: "choice", instructions: { ask: "What is it?" } },
          criteria: { vase: "glass", cup: null },
        },
        wear: { type: "score", criteria: ["new", null, "x".repeat(300)] },
      },
      headers: { "x-own": "1" },
    });
    expect(asked[0]).toMatchObject({
      ...{ model: "unmask-demo", messages: [{ text: 'Inspect this.\n{"product":"vase"}' }] },
    });
    expect(shown(asked[0]!.pictures)).toEqual([{ kind: "file", bytes: pngBytes }]);
    expect(sentOf(asked)).toEqual([
      { name: "damaged", field: { ...damaged, criteria: {} } },
      {
        name: "kind",
        field: {
          ...{ type: "choice", instructions: '{"ask":"What is it?"}', none: false },
          options: [{ value: "vase", description: "glass" }, { value: "cup" }],
        },
      },
      {
        name: "wear",
        field: {
          type: "score",
          levels: [{ value: "new" }, { value: "1" }, { value: "2", description: "x".repeat(300) }],
        },
      },
    ]);
    expect(sent[0]?.headers.get("x-own")).toBe("1");
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer umk_test_a");
  });

  test("whatever is asked and however it is read, the SDK takes the answers", async () => {
    await fc.assert(
      fc.asyncProperty(questions, fc.infiniteStream(weights), async (asked, stream) => {
        const { unmask } = service(stream);
        // Nothing is sure enough: it is answered all the same, and said.
        const { answers, providerMetadata } = await experimental_decide({
          model: unmask.decisionModel(),
          state: "",
          questions: asked,
          providerOptions: { unmask: { abstain_below: 1 } },
        });
        expect(Object.keys(answers).toSorted()).toEqual(Object.keys(asked).toSorted());
        const told = providerMetadata?.["unmask"]?.["fields"] as object;
        expect(Object.keys(told).toSorted()).toEqual(Object.keys(asked).toSorted());
      }),
      { seed: 13, numRuns: 40 },
    );
  });

  test("an abstention fails no call: it is told beside the answer, with the price and the digest", async () => {
    const { unmask } = service([[1, 1]]);
    const result = await experimental_decide({
      ...{ model: unmask.decisionModel(), state: "A desk.", questions: { damaged } },
      providerOptions: { unmask: { abstain_below: 0.9 } },
    });
    expect(result.answers.damaged).toEqual({ type: "boolean", probability: 0.5 });
    expect(result.providerMetadata?.["unmask"]).toMatchObject({
      ...{ charged_micros: 1728, cached: false, digest: expect.any(String) },
      fields: { damaged: { abstained: true, value: null, guess: true } },
    });
    expect(result.usage).toEqual({ inputTokens: 760, outputTokens: 0, totalTokens: 760 });
    expect(result.response).toMatchObject({ id: expect.any(String), modelId: "unmask-demo" });
  });

  test("ids that are no names of fields get others, and their answers come back under their own", async () => {
    const { unmask, asked } = service();
    const { answers } = await experimental_decide({
      ...{ model: unmask.decisionModel(), state: "" },
      questions: { "is it?": damaged, "10": damaged },
    });
    expect(sentOf(asked).map(({ name }) => name)).toEqual(["q1", "q2"]);
    expect(Object.keys(answers).toSorted()).toEqual(["10", "is it?"]);
  });

  test("boxes and files that are no pictures are refused before anything is sent", async () => {
    const { unmask, sent } = service();
    const model = unmask.decisionModel();
    const box = { type: "box", instructions: "Where?" } as const;
    await expect(experimental_decide({ model, state: "", questions: { box } })).rejects.toThrow(
      "box",
    );
    const data = new TextEncoder().encode("%PDF-1.7");
    await expect(
      experimental_decide({
        ...{ model, questions: { damaged } },
        state: [{ type: "file", mediaType: "application/pdf", data }],
      }),
    ).rejects.toThrow(/application\/pdf/);
    expect(sent).toEqual([]);
  });

  test("a refusal of the service is an APICallError with its problem, and is not sent again", async () => {
    const { unmask, sent } = service();
    const choice = { type: "choice", criteria: { only: null } } as const;
    const error: unknown = await experimental_decide({
      ...{ model: unmask.decisionModel(), state: "", questions: { choice } },
    }).then(undefined, (cause: unknown) => cause);
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      ...{ statusCode: 400, isRetryable: false, data: { code: "fields_invalid" } },
      message: expect.stringContaining("/fields/choice/criteria"),
    });
    expect(sent).toHaveLength(1);
  });

  test("a refusal speaks of the caller's ids, also where the service was asked under other names", async () => {
    const { unmask } = service();
    const only = { type: "choice", criteria: { only: null } } as const;
    const error: unknown = await experimental_decide({
      ...{ model: unmask.decisionModel(), state: "" },
      questions: { "is it?": damaged, "either/or": only },
    }).then(undefined, (cause: unknown) => cause);
    const pointer = "/fields/either~1or/criteria";
    expect(error).toMatchObject({
      message: expect.stringMatching(/^\/fields\/either~1or\/criteria: /),
      data: { errors: [{ pointer }], detail: expect.stringContaining(pointer) },
    });
  });

  test("what a deadline cut off is a refusal of the SDK, for there is nothing to tell", async () => {
    const cut = { damaged: { type: "boolean", value: null, unfinished: true as const } };
    const { unmask } = service([], { status: "partial", fields: cut });
    await expect(
      experimental_decide({ model: unmask.decisionModel(), state: "", questions: { damaged } }),
    ).rejects.toThrow(/refus/i);
  });

  test("an abort ends the call with its reason", async () => {
    const { unmask } = service();
    const leaving = new AbortController();
    leaving.abort(new Error("gone"));
    await expect(
      experimental_decide({
        ...{ model: unmask.decisionModel(), state: "", questions: { damaged } },
        abortSignal: leaving.signal,
      }),
    ).rejects.toThrow("gone");
  });

  test("stands in a registry, where it says that it has no model for text", async () => {
    const { unmask } = service();
    const registry = createProviderRegistry({ unmask });
    const model = registry.decisionModel("unmask:unmask-demo");
    const { response } = await experimental_decide({ model, state: "", questions: { damaged } });
    expect(response.modelId).toBe("unmask-demo");
    expect(() => registry.languageModel("unmask:unmask-demo")).toThrow(NoSuchModelError);
  });
});

describe("experimental_extract with unmask.extractionModel()", () => {
  const fields = {
    title: { type: "text", instructions: "The title" },
    total: { type: "number", instructions: "The total", unit: "USD", decimals: 2 },
    pages: { type: "number", integer: true },
    due: { type: "date" },
    at: { type: "time" },
    seen: { type: "datetime" },
    takes: { type: "duration", unit: "minutes" },
    names: { type: "list", items: "text" },
    sums: { type: "list", items: "number", decimals: 1 },
  } as const satisfies Record<string, Experimental_ExtractionField>;

  test("asks each field as ours: units in words, numbers within a range, lists with room for items", async () => {
    const { unmask, asked } = service();
    await experimental_extract({
      ...{ model: unmask.extractionModel(), state: "An invoice.", fields },
      referenceDate: "2026-11-28",
      providerOptions: {
        unmask: {
          fields: {
            pages: { minimum: 1, maximum: 900 },
            title: { max_tokens: 24 },
            names: { max_items: 2, max_tokens: 4 },
          },
        },
      },
    });
    expect(asked[0]?.messages).toEqual([
      {
        role: "user",
        text: "Dates without a year, and days such as tomorrow, count from 2026-11-28.\nAn invoice.",
      },
    ]);
    const range = { minimum: -999_999, maximum: 999_999 };
    expect(Object.fromEntries(sentOf(asked).map(({ name, field }) => [name, field]))).toEqual({
      title: { type: "text", instructions: "The title", maxTokens: 24 },
      total: { type: "number", instructions: "The total (in USD)", decimals: 2, ...range },
      pages: { type: "number", decimals: 0, minimum: 1, maximum: 900 },
      due: { type: "date" },
      at: { type: "time", seconds: false },
      seen: { type: "datetime", seconds: false },
      takes: {
        ...{ type: "number", instructions: "(in minutes)", decimals: 2 },
        minimum: 0,
        maximum: 999_999,
      },
      names: { type: "list", items: { type: "text", maxTokens: 4 }, maxItems: 2 },
      sums: { type: "list", items: { type: "number", decimals: 1, ...range }, maxItems: 4 },
    });
  });

  test("however it is read, the SDK takes the answers, with confidence and pNull", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(weights), async (stream) => {
        const { unmask } = service(stream);
        const { answers } = await experimental_extract({
          ...{ model: unmask.extractionModel(), state: "", fields },
          providerOptions: { unmask: { fields: { pages: { minimum: 1, maximum: 99 } } } },
        });
        for (const answer of Object.values(answers)) {
          expect(answer.pNull === undefined || answer.pNull <= 1).toBe(true);
          if (answer.value === null) expect(answer.confidence).toBeUndefined();
          else expect(answer.confidence).toBeGreaterThanOrEqual(0);
        }
      }),
      { seed: 14, numRuns: 40 },
    );
  });

  test("a value that the picture does not show is null with pNull, one that is not sure enough with its guess", async () => {
    const { unmask } = service([[0.5], [1, 1, 1]]);
    const { answers } = await experimental_extract({
      ...{ model: unmask.extractionModel(), state: "" },
      fields: { due: { type: "date" }, count: { type: "number", integer: true } },
      providerOptions: {
        unmask: { abstain_below: 0.5, fields: { count: { minimum: 0, maximum: 2 } } },
      },
    });
    expect(answers).toEqual({
      due: { type: "date", value: null, pNull: 0.75 },
      count: { type: "number", value: null, guess: 0 },
    });
  });

  test("says of each number that nobody gave a range how far it is read", async () => {
    const { unmask } = service();
    const { warnings } = await experimental_extract({
      ...{ model: unmask.extractionModel(), state: "", fields: { total: { type: "number" } } },
      maxOutputTokens: 10,
    });
    expect(warnings).toEqual([
      { type: "unsupported", feature: "maxOutputTokens" },
      {
        type: "compatibility",
        feature: "number without a range: total",
        details: expect.stringContaining("999999"),
      },
    ]);
  });

  test("an option that is none of ours is refused by the service", async () => {
    const { unmask } = service();
    await expect(
      experimental_extract({
        ...{ model: unmask.extractionModel(), state: "", fields: { due: { type: "date" } } },
        providerOptions: { unmask: { speed: "fast" } },
      }),
    ).rejects.toThrow("/speed");
  });

  test("passing failures are tried again by the client, as one request", async () => {
    const keys: (string | null)[] = [];
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      keys.push(new Headers(init?.headers).get("idempotency-key"));
      return refusing(failures.draining);
    };
    const unmask = createUnmask({
      ...{ baseUrl: "https://unmask.test", retries: 2, sleep: async () => {} },
      fetch: fetch as typeof globalThis.fetch,
    });
    await expect(
      experimental_extract({
        ...{ model: unmask.extractionModel(), state: "", fields: { due: { type: "date" } } },
      }),
    ).rejects.toMatchObject({ statusCode: 503 });
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  });
});

const label = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== "");
const distinct = { selector: (text: string) => text.normalize("NFC").trim() };
const labels = fc.uniqueArray(fc.oneof(label, fc.constantFrom("__proto__", "7")), {
  ...{ minLength: 2, maxLength: 8, ...distinct },
});
const question: fc.Arbitrary<Experimental_DecisionQuestion> = fc.oneof(
  fc.record({ type: fc.constant("boolean" as const), instructions: label }),
  labels.map((names) => ({
    type: "choice" as const,
    criteria: Object.fromEntries(names.map((name) => [name, null])),
  })),
  labels.map((criteria) => ({ type: "score" as const, criteria })),
);
const questions: fc.Arbitrary<Record<string, Experimental_DecisionQuestion>> = fc
  .uniqueArray(fc.tuple(fc.oneof(label, fc.constant("__proto__")), question), {
    ...{ minLength: 1, maxLength: 8, selector: ([name]) => name },
  })
  .map((entries) => Object.fromEntries(entries));
