import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { replaySchema } from "#wire/api/answers/replays.ts";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { story } from "../../../support/edge-builders.ts";
import { modelReply } from "../../cache/model-reply.ts";
import {
  digest,
  eventReply,
  functionReplies,
  refusal,
  streamReply,
} from "../../function-double.ts";
import { answered, otherStory, replay } from "../replays.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("POST /v1/answers/{id}/replay withstands", () => {
  test("a function that is gone: its refusal, and nothing is charged", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    const ledger = ledgerOf(env, "acc_test");
    const { available } = await ledger.balance();
    functionReplies(() => {
      throw new TypeError("connection refused");
    });
    expect(await refusal(await replay(id))).toMatchObject({ code: "function_unreachable" });
    expect((await ledger.balance()).available).toBe(available);
  });

  test("a function that breaks off every time", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    functionReplies(() => eventReply(story.slice(0, 2)));
    expect(await refusal(await replay(id))).toMatchObject({ code: "function_reply_invalid" });
  });

  test("a cache that holds the answer: it is run all the same, and the cache is left as it is", async () => {
    const told = otherStory("ee".repeat(32), " circle");
    let reply = story;
    // What this isolate heard of the model before, from another test's function, is out of date by then.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * MODEL_MS });
    const { sent } = functionReplies(
      ({ url }) => (url.endsWith(GENERATE_PATH) ? eventReply(reply) : modelReply(digest)),
      "asked",
    );
    const fields = { question: `Cached? ${crypto.randomUUID()}` };
    const first = await answered(fields);
    await vi.waitFor(async () => expect((await answered(fields)).cached).toBe(true));
    reply = told;
    const before = sent.length;
    const body = replaySchema.parse(await (await replay(first.id)).json());
    expect([body.equal, sent.length > before]).toEqual([false, true]);
    expect(await answered(fields)).toMatchObject({ cached: true, digest: first.digest });
  });

  test("five replays of one answer at once: five runs, five ids, each charged", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const { id, charged_micros } = await answered();
    const ledger = ledgerOf(env, "acc_test");
    const { available } = await ledger.balance();
    const bodies = await Promise.all(
      Array.from({ length: 5 }, async () => replaySchema.parse(await (await replay(id)).json())),
    );
    expect(new Set(bodies.map(({ replayed_id }) => replayed_id)).size).toBe(5);
    expect(orders).toHaveLength(6);
    expect(Number(available - (await ledger.balance()).available)).toBe(5 * charged_micros);
  });

  test("a body that nobody asked for", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    const response = await replay(id, { "content-type": "application/json" });
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  test("a function that sends what is no stream", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    functionReplies(() => streamReply(new Response("nonsense").body));
    expect(await refusal(await replay(id))).toMatchObject({ code: "function_reply_invalid" });
  });
});
