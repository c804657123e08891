import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TEMPLATE_POSITIONS } from "#domain/work.ts";
import { type QuoteBody, quoteSchema } from "#wire/api/answers/quotes.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { pngBytes, story } from "../../../support/edge-builders.ts";
import { gif, jpeg } from "../../../support/image-files.ts";
import { ask, askJson, eventReply, functionReplies, refusal } from "../../function-double.ts";
import { newKey } from "../administration.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const image = { data: encodeBase64(pngBytes) };

async function post(body: unknown, headers: HeadersInit = {}): Promise<Response> {
  return await ask("/v1/quotes", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

async function quote(body: unknown): Promise<QuoteBody> {
  return quoteSchema.parse(await (await post(body)).json());
}

function functionIs(state: "ready" | "loading"): void {
  const name = { name: "unmask-demo", version: "1", digest: "ab" };
  functionReplies(({ url }) =>
    url.endsWith("/status")
      ? Response.json({
          ...{ model: name, state, loaded_bytes: 1, total_bytes: 1, eta_seconds: 0 },
        })
      : eventReply(story),
  );
}

describe("a key that may not ask gets no price", () => {
  test.each([
    [{ scopes: ["usage"] }, "scope_missing"],
    [{ models: ["llada-v"] }, "model_forbidden"],
  ])("%j: 403 %s, as for an answer", async (restrictions, code) => {
    const { sent } = functionReplies(() => Response.json({}));
    const { key } = await newKey(restrictions);
    const authorization = `Bearer ${key}`;
    const refusals = [
      await post({ question: "?" }, { authorization }),
      await post({ width: 8, height: 8 }, { authorization }),
      await askJson({ question: "?" }, { authorization }),
    ];
    for (const response of refusals)
      expect(await refusal(response)).toMatchObject({ status: 403, code });
    expect(sent).toEqual([]);
  });
});

describe("POST /v1/quotes", () => {
  test("warns of what the model was not trained for, as the answer does", async () => {
    functionIs("ready");
    const message = expect.stringContaining("beyond 32 answers get worse");
    const long = [{ code: "canvas_not_recommended", message }];
    const what = { question: "What is this?", image, canvas: 64, cache: "off" };
    expect((await quote(what)).warnings).toEqual(long);
    expect((await quote({ width: 8, height: 8, canvas: 64 })).warnings).toEqual(long);
    expect((await quote({ ...what, canvas: 32 })).warnings).toEqual([]);
    expect(answerSchema.parse(await (await askJson(what)).json()).warnings).toEqual(long);
  });

  test("has the price without a system message that the model will not be given", async () => {
    functionIs("ready");
    const asked = { role: "user", content: "What is this?" };
    const system = { role: "system", content: "Answer in German, and at length." };
    const dropped = await quote({ messages: [system, asked] });
    expect(dropped.warnings).toMatchObject([{ code: "system_message_dropped" }]);
    expect(dropped.price_micros).toBe((await quote({ messages: [asked] })).price_micros);
  });

  test("prices an answer request, and the answer is charged exactly that", async () => {
    functionIs("ready");
    const asked = { question: "What is this?", image, canvas: 4, steps: 2 };
    const quoted = await quote(asked);
    expect(quoted).toMatchObject({
      image_vectors: 37,
      canvas: 4,
      steps: 2,
      forward_passes: 2,
      weights: "warm",
    });
    expect(quoted.price_micros).toBeGreaterThan(0);
    const answer = answerSchema.parse(await (await askJson(asked)).json());
    expect(answer.charged_micros).toBe(quoted.price_micros);
  });

  test.each([
    { fields: { mode: "exact" }, refreshes: 16 },
    { fields: {}, refreshes: 4 },
    { fields: { refresh: 8 }, refreshes: 2 },
    { fields: { mode: "fast" }, refreshes: 3 },
  ])(
    "shows rows, passes and refreshes of $fields, and an answer that ends early is charged exactly that",
    async ({ fields, refreshes }) => {
      functionIs("ready");
      const asked = { question: "What is this?", image, canvas: 16, steps: 16, ...fields };
      const uncached = { ...asked, cache: "off" };
      const quoted = await quote(asked);
      const window = 16;
      const positions = 37 + "What is this?".length + TEMPLATE_POSITIONS + window;
      const rows = refreshes * positions + (16 - refreshes) * window;
      expect(quoted).toMatchObject({ forward_passes: 16, refreshes, rows });
      const answer = answerSchema.parse(await (await askJson(uncached)).json());
      expect(answer.usage).toMatchObject({ steps: 2, refreshes: 1, rows: 768 });
      expect(answer.charged_micros).toBe(quoted.price_micros);
    },
  );

  test("prices a size as it prices the picture, as JSON or a form", async () => {
    functionIs("ready");
    const picture = jpeg(1200, 800);
    const whole = await quote({ question: "Wer?", image: encodeBase64(picture), steps: 8 });
    const sized = await quote({ width: 1200, height: 800, text_bytes: 4, steps: 8 });
    const form = new FormData();
    for (const [name, value] of [
      ["question", "Wer?"],
      ["steps", "8"],
    ] as const)
      form.append(name, value);
    form.append("image", new Blob([new Uint8Array(picture)]), "x.jpg");
    const formed = await ask("/v1/quotes", { method: "POST", body: form });
    const prices = [whole, sized, quoteSchema.parse(await formed.json())];
    expect(new Set(prices.map(({ price_micros }) => price_micros)).size).toBe(1);
  });

  test("says that weights are cold while they load or nothing answers, and for how long it stands", async () => {
    functionIs("loading");
    const quoted = await quote({ question: "?" });
    expect(quoted.weights).toBe("cold");
    expect(Date.parse(quoted.expires_at)).toBeGreaterThan(Date.now());
    functionReplies(() => {
      throw new TypeError("refused");
    });
    expect((await quote({ question: "?" })).weights).toBe("cold");
  });

  test.each([
    [
      "of a size over the pixels",
      { width: 8_001, height: 8_000 },
      "image_too_large",
      "has 64008000 pixels; 64000000 are",
    ],
    [
      "of a size over the side",
      { width: 16_385, height: 1 },
      "image_too_large",
      "a side of 16385 pixels; 16384 are",
    ],
    [
      "of a file over the side",
      { image: { data: encodeBase64(jpeg(20_000, 400)) } },
      "image_too_large",
      "a side of 20000 pixels; 16384 are",
    ],
    [
      "of an animation",
      { image: { data: encodeBase64(gif(8, 8, 2)) } },
      "image_unsupported",
      "it is an animation",
    ],
    [
      "of pictures that are too many pixels together",
      { images: Array(3).fill({ data: encodeBase64(jpeg(8_000, 8_000)) }) },
      "image_too_large",
      "The pictures up to picture 3 have 192000000 pixels together; 128000000 are",
    ],
  ])("refuses %s as the answer would be refused, and for good", async (_, body, code, words) => {
    const problem = await refusal(await post({ question: "?", ...body }));
    expect(problem).toMatchObject({ status: 422, code, retryable: false });
    expect(problem.detail).toContain(words);
    if (!("width" in body)) {
      const answered = await refusal(await askJson({ question: "?", ...body }));
      expect(answered).toMatchObject({ code, detail: problem.detail });
    }
  });

  test("prices a GIF by what its frame covers, and several pictures as one padded view each", async () => {
    const data = (bytes: Uint8Array) => ({ data: encodeBase64(bytes) });
    const frame = await quote({ question: "?", image: data(gif(640, 480, 1, [320, 240])) });
    const plain = await quote({ question: "?", width: 320, height: 240 });
    expect(frame.price_micros).toBe(plain.price_micros);
    const low = await quote({ question: "?", width: 500, height: 300, detail: "low" });
    const two = await quote({ question: "?", images: Array(2).fill(data(jpeg(500, 300))) });
    expect(two.image_vectors).toBe(2 * low.image_vectors);
  });

  test.each([
    [{ width: 10 }, "/height"],
    [{ width: 0, height: 1 }, "/width"],
    [{ width: 10, height: 10, image: "x" }, "/image"],
    [{ question: "?", colour: 1 }, "/colour"],
    [{ width: 10, height: 10, canvas: 10, steps: 11 }, "/steps"],
  ])("refuses %j at %s", async (body, pointer) => {
    expect(await refusal(await post(body))).toMatchObject({ status: 400, errors: [{ pointer }] });
  });
});
