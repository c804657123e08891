import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { story } from "../../support/edge-builders.ts";
import { modelReply } from "../cache/model-reply.ts";
import { type Cost, CostMeter } from "../cost-meter.ts";
import { askJson, digest, eventReply, functionReplies } from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { getRandomValues } = crypto;
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    getRandomValues.call(crypto, array);
    // Both answers lie in one object: the first byte of an id says in which.
    if (array instanceof Uint8Array && array.length === 15) array[0] = 9;
    return array;
  });
});
afterEach(() => vi.restoreAllMocks());

/** Longer than outboxes and queues let things gather. */
const QUIET_MS = 2_500;

// What follows an answer takes seconds, and is counted in `npm run test:full`.
const isCountedToTheEnd = env.TEST_FULL === "1";

let asked = 0;

async function pay(key: string): Promise<void> {
  asked += 1;
  const what = { question: `What does it cost? ${asked}`, canvas: 4, steps: 2 };
  const response = await askJson(what, { authorization: `Bearer ${key}` });
  expect([response.status, (await response.json<{ status: string }>()).status]).toEqual([
    200,
    "completed",
  ]);
}

const drained = (): Promise<void> => scheduler.wait(isCountedToTheEnd ? 2 * QUIET_MS : QUIET_MS);

/** What one answer cost until it was told, and until nothing was left to do for it. */
async function costOfOne(): Promise<{ readonly told: Cost; readonly all: Cost }> {
  let meter: CostMeter | undefined;
  functionReplies((sent) => {
    if (!sent.url.endsWith(GENERATE_PATH)) return modelReply(digest);
    return eventReply(story);
  }, "asked");
  const replies = vi.mocked(globalThis.fetch).getMockImplementation();
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    if (new Request(input, init).url.endsWith(GENERATE_PATH))
      meter?.leaves("AnswerObject", "AnswerObject → function");
    if (replies === undefined) throw new Error("nobody stands in for the function");
    return await replies(input, init);
  });
  const { id, key } = await openAccount();
  // Objects that live on have their tables, and counters their rows, before it is counted.
  await pay(key);
  await drained();
  meter = await CostMeter.start(id);
  try {
    await pay(key);
    const told = meter.cost();
    if (isCountedToTheEnd) await drained();
    return { told, all: meter.cost() };
  } finally {
    meter.stop();
  }
}

function untilPaid(steps: readonly string[], paid: string): readonly string[] {
  return steps.slice(0, steps.indexOf(paid) + 1);
}

describe("a paid answer", () => {
  // Other files' objects of the cache live in the same isolate, and may do something in between.
  test("is told behind three calls of objects and three durable writes in series", {
    retry: 3,
    timeout: 30_000,
  }, async () => {
    const { told, all } = await costOfOne();
    // The third call is of the answer's object, which calls the ledger itself. What follows the capture is not waited for, and may begin before the reply is read.
    expect(untilPaid(told.calls, "LedgerObject.capture")).toEqual([
      "CacheObject.claim",
      "LedgerObject.hold",
      "AnswerObject.run",
      "LedgerObject.capture",
    ]);
    expect(untilPaid(told.awaited, "LedgerObject.capture")).toEqual([
      "LedgerObject.hold",
      "AnswerObject → LedgerObject",
      "LedgerObject.capture",
    ]);
    // Everything until nothing is left to do, tables that are made and alarms included; of an account that is in use.
    expect(all.rows["AnswerObject"]).toBeLessThanOrEqual(5);
    expect(all.rows["CacheObject"]).toBeLessThanOrEqual(2);
    expect(all.rows["LedgerObject"]).toBeLessThanOrEqual(12);
  });
});
