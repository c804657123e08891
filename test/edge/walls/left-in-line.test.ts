import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { story } from "../../support/edge-builders.ts";
import { modelReply } from "../cache/model-reply.ts";
import { ask, digest, eventReply, functionReplies } from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * MODEL_MS });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** As `ACCOUNT_PLACES` says. */
const PLACES = 4;

async function headersOfNewAccount(): Promise<Record<string, string>> {
  const { key } = await openAccount({ limits: { concurrent: 32 } });
  return { authorization: `Bearer ${key}`, "content-type": "application/json" };
}

test("who took part in answers that are cancelled while they wait for a place is answered all the same", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  functionReplies(async ({ url }) => {
    if (!url.endsWith(GENERATE_PATH)) return modelReply(digest);
    await promise;
    return eventReply(story);
  }, "asked");
  const headers = await headersOfNewAccount();
  const accepted = async (question: string): Promise<string> => {
    const response = await ask("/v1/answers", {
      method: "POST",
      body: JSON.stringify({ question, canvas: 4, steps: 2 }),
      headers: { ...headers, prefer: "respond-async" },
    });
    expect(response.status).toBe(202);
    return answerSchema.parse(await response.json()).id;
  };
  const read = async (id: string): Promise<AnswerBody> =>
    answerSchema.parse(await (await ask(`/v1/answers/${id}`, { headers })).json());
  for (let place = 0; place < PLACES; place += 1) await accepted(`Who has a place? ${place}`);
  const joiners: string[] = [];
  for (let place = 0; place < PLACES; place += 1) {
    const leader = await accepted(`Who waits? ${place}`);
    joiners.push(await accepted(`Who waits? ${place}`));
    const left = await ask(`/v1/answers/${leader}/cancel`, { method: "POST", headers });
    expect(await left.json()).toMatchObject({ status: "cancelled", charged_micros: 0 });
  }
  resolve();
  for (const joiner of joiners)
    await vi.waitFor(
      async () => expect(await read(joiner)).toMatchObject({ status: "completed", cached: false }),
      { timeout: 20_000, interval: 50 },
    );
}, 40_000);
