import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import type { QuoteBody } from "#wire/api/answers/quotes.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { MODEL_CARD_PATH, type ModelCard } from "#wire/function/status.ts";
import { story, untoldByFunction } from "../../support/edge-builders.ts";
import {
  ask,
  askJson,
  digest,
  eventReply,
  functionReplies,
  refusal,
  type SentRequest,
} from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";

/** What the function serves; null while it is away. */
let served: ModelCard | null;
let jobs: SentRequest[];
/** Called when work has reached the function. */
let onJob: () => void;
let now = Date.now();

function tells(id: string, linear: number): ModelCard {
  return {
    ...{ id, digest, image: null, vision: null, max_prompt_length: 1024, ...untoldByFunction },
    ...{ provider: "cpu", format: "f32", work: { view: 0, linear, attention: 1_000 } },
  };
}

/** What was heard before, also by other tests of this isolate, is out of date from here on. */
function later(milliseconds = 2 * MODEL_MS): void {
  now += milliseconds;
  vi.setSystemTime(now);
}

/** An account of their own: what other files' answers give back must not be taken for a charge. */
let account: { readonly id: string; readonly key: string };

beforeAll(async () => {
  account = await openAccount();
});
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.useFakeTimers({ toFake: ["Date"], now: ++now });
  later(3_600_000);
  served = tells("told", 1e9);
  jobs = [];
  onJob = () => undefined;
  functionReplies((sent) => {
    if (served === null) throw new TypeError("connection refused");
    const { pathname } = new URL(sent.url);
    if (pathname === MODEL_CARD_PATH) return Response.json(served);
    if (pathname !== GENERATE_PATH) return new Response("", { status: 503 });
    jobs.push(sent);
    onJob();
    return eventReply(story);
  }, "asked");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const what = { question: "What is this?", canvas: 4, steps: 2, cache: "off", model: "told" };

const asAccount = () => ({ authorization: `Bearer ${account.key}` });

async function quote(): Promise<QuoteBody> {
  const headers = { ...asAccount(), "content-type": "application/json" };
  const { cache: _, ...priced } = what;
  const body = JSON.stringify(priced);
  return await (await ask("/v1/quotes", { method: "POST", body, headers })).json<QuoteBody>();
}

const available = async (): Promise<bigint> =>
  (await ledgerOf(env, account.id).balance()).available;

describe("a model that only its function knows", () => {
  test("is quoted and charged by what the function tells, to the micro-dollar", async () => {
    const { price_micros, card, model } = await quote();
    const before = await available();
    const answer = await (await askJson({ ...what, card }, asAccount())).json<AnswerBody>();
    expect([model, answer.status, answer.charged_micros]).toEqual([
      "told",
      "completed",
      price_micros,
    ]);
    expect(before - (await available())).toBe(BigInt(price_micros));
  });

  test("costs in proportion to its work", async () => {
    const first = await quote();
    served = tells("told", 3e9);
    later();
    const second = await quote();
    const ratio = second.price_micros / first.price_micros;
    expect([ratio > 2.9, ratio < 3.1, second.card === first.card]).toEqual([true, true, false]);
  });

  test("whose function is down at the first request is a 503 with Retry-After, and nothing is charged", async () => {
    served = null;
    later(3_600_000);
    const before = await available();
    const response = await askJson(what, asAccount());
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await refusal(response)).toMatchObject({ status: 503, code: "function_unreachable" });
    expect([before, jobs]).toEqual([await available(), []]);
  });

  test("is refused under the card of an older quote, before any work; the new quote's is taken", async () => {
    const { card } = await quote();
    served = tells("told", 2e9);
    later();
    const problem = await refusal(await askJson({ ...what, card }, asAccount()));
    expect([problem.status, problem.code, jobs]).toEqual([409, "card_changed", []]);
    const renewed = await quote();
    const answer = await (
      await askJson({ ...what, card: renewed.card }, asAccount())
    ).json<AnswerBody>();
    expect(answer.charged_micros).toBe(renewed.price_micros);
  });

  test("goes to the functions as it was priced, also where its card changes on the way", async () => {
    const { card, price_micros } = await quote();
    onJob = () => {
      served = tells("told", 5e9);
      later();
    };
    const answer = await (await askJson({ ...what, card }, asAccount())).json<AnswerBody>();
    expect(answer).toMatchObject({ status: "completed", charged_micros: price_micros });
    expect((await quote()).price_micros).not.toBe(price_micros);
  });
});

const changes = fc.array(
  fc.constantFrom<ModelCard | null>(
    tells("told", 1e9),
    tells("told", 4e9),
    tells("other", 1e9),
    null,
  ),
  { minLength: 1, maxLength: 3 },
);

test("whatever happens to a card between quote and question, its charge is the quote or nothing", async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), async (turns, isHeard) => {
      served = tells("told", 1e9);
      later();
      const { card, price_micros } = await quote();
      for (const turn of turns) {
        served = turn;
        if (isHeard) later();
      }
      const before = await available();
      const response = await askJson({ ...what, card }, asAccount());
      const reply = await response.json<{ readonly code?: string }>();
      const charged = before - (await available());
      if (response.status === 200) expect(charged).toBe(BigInt(price_micros));
      else {
        expect([
          "card_changed",
          "unknown_model",
          "function_unreachable",
          "function_reply_invalid",
        ]).toContain(reply.code);
        expect(charged).toBe(0n);
      }
    }),
    { seed: 12, numRuns: 25 },
  );
});
