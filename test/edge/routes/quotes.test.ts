import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeBase64 } from "#wire/base64.ts";
import { type QuoteBody, quoteSchema } from "#wire/quotes.ts";
import { answerSchema } from "#wire/responses.ts";
import { pngBytes, story } from "../../support/edge-builders.ts";
import { jpeg } from "../../support/image-files.ts";
import { ask, askJson, eventReply, functionReplies, refusal } from "../function-double.ts";
import { newKey } from "./administration.ts";

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
    [{ width: 10 }, "/height"],
    [{ width: 0, height: 1 }, "/width"],
    [{ width: 10, height: 10, image: "x" }, "/image"],
    [{ question: "?", colour: 1 }, "/colour"],
    [{ width: 10, height: 10, canvas: 10, steps: 11 }, "/steps"],
  ])("refuses %j at %s", async (body, pointer) => {
    expect(await refusal(await post(body))).toMatchObject({ status: 400, errors: [{ pointer }] });
  });
});
