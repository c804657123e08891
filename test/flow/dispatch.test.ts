import "../support/fixed-length-stream.ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DispatchMeans, type DispatchTerms, dispatch } from "#edge/fleet/dispatch.ts";
import type { FunctionReport } from "#edge/fleet/policy/fleet.ts";
import type { Settings } from "#edge/settings.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { GENERATE_PATH, MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { question, story } from "../support/edge-builders.ts";
import { asked as asQuestion } from "../support/orders.ts";
import { fleetOf, functionAt } from "../support/serving-fleet.ts";

const [a, b] = ["https://a.test", "https://b.test"] as const;
const [oldDigest, newDigest] = ["ab".repeat(32), "cd".repeat(32)];
const { signing: ticketKey } = await generateTicketKeys("test");

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Behaviour = "takes" | "refuses the connection" | "holds the connection";

/** What is there at each address, and which weights it has; returns which were asked to answer. */
function functions(
  there: Readonly<Record<string, Behaviour>>,
  weights: Readonly<Record<string, string>> = {},
): readonly string[] {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const { origin, pathname } = new URL(String(input));
    if (pathname === GENERATE_PATH) asked.push(origin);
    const behaviour = there[origin] ?? "refuses the connection";
    if (behaviour === "refuses the connection") throw new TypeError("connection refused");
    if (behaviour === "holds the connection")
      return await new Promise<never>((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
    const text = story.map((event) => encodeSse(eventMessage(event, "ans_1"))).join("");
    const headers = {
      "content-type": "text/event-stream",
      [MODEL_DIGEST_HEADER]: weights[origin] ?? oldDigest ?? "",
      [HOP_VERSION_HEADER]: String(HOP_VERSION),
    };
    return new Response(text, { headers });
  });
  return asked;
}

async function ask(
  fleet: ReturnType<typeof fleetOf>,
  terms: Partial<DispatchTerms> = {},
  id = "ans_1",
) {
  const settings = { functionSilenceSeconds: 60, ticketKey } as Settings;
  const pictures = {} as DispatchMeans["pictures"];
  const means = {
    settings,
    pictures,
    fleetOf: async () => fleet,
    random: Math.random,
    now: Date.now,
  };
  const job = { id, accountId: "acc_1", card: { id: "demo" } };
  return await dispatch({ ...job, question: asQuestion(question({ images: [] })) }, means, {
    ...{ owner: null, requestId: "req_1", traceparent: null, deadlineAt: null },
    ...{ numerics: null, weights: null, signal: new AbortController().signal },
    ...terms,
  });
}

const busy = (url: string, queuedSteps: number): FunctionReport =>
  functionAt(url, {
    digest: oldDigest ?? null,
    load: { queuedSteps, msPerStep: 10, running: 1, waiting: 0, places: 4, queueLength: 16 },
  });

describe("an answer is sent", () => {
  test("to the one of two that is expected to end it first, and to one at a time", async () => {
    const asked = functions({ [a]: "takes", [b]: "takes" });
    expect((await ask(fleetOf([busy(a, 5_000), busy(b, 10)]))).ok).toBe(true);
    expect(asked).toEqual([b]);
  });

  test("to another where that one is gone, in the same attempt", async () => {
    const asked = functions({ [a]: "takes" });
    expect((await ask(fleetOf([busy(a, 5_000), busy(b, 10)]))).ok).toBe(true);
    expect(asked).toEqual([b, a]);
  });

  test("no more to one that failed three times in a row, until its pause is over", async () => {
    const asked = functions({ [a]: "takes" });
    const fleet = fleetOf([functionAt(a), functionAt(b)], {});
    for (let times = 0; times < 30; times += 1) expect((await ask(fleet)).ok).toBe(true);
    expect(asked.filter((url) => url === b).length).toBeLessThanOrEqual(3);
  });

  test("to a lone function whatever it did before: a breaker is no reason to refuse what nobody else would take", async () => {
    functions({});
    const fleet = fleetOf([a]);
    for (let times = 0; times < 4; times += 1)
      expect(await ask(fleet)).toMatchObject({ refusal: { kind: "function_unreachable" } });
    functions({ [a]: "takes" });
    expect((await ask(fleet)).ok).toBe(true);
  });
});

describe("of two versions", () => {
  const versions = [
    functionAt(a, { digest: oldDigest ?? null }),
    functionAt(b, { digest: newDigest ?? null }),
  ];

  test("the new one gets its percentage, and an answer that is sent again goes to the same", async () => {
    const asked = functions({ [a]: "takes", [b]: "takes" });
    const canary = { digest: newDigest ?? "", percent: 20 };
    for (let turn = 0; turn < 2; turn += 1)
      for (let id = 0; id < 200; id += 1) await ask(fleetOf(versions, { canary }), {}, `ans_${id}`);
    expect(asked.slice(0, 200)).toEqual(asked.slice(200));
    const share = asked.filter((url) => url === b).length / asked.length;
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.3);
  });

  test("a replay goes to the weights that answered, or is refused by name and asks nobody", async () => {
    const asked = functions({ [a]: "takes", [b]: "takes" }, { [b]: newDigest ?? "" });
    const weights = { digest: newDigest ?? "", areRequired: true };
    expect((await ask(fleetOf(versions), { weights })).ok).toBe(true);
    expect(asked).toEqual([b]);
    const gone = { digest: "ef".repeat(32), areRequired: true };
    expect(await ask(fleetOf(versions), { weights: gone })).toMatchObject({
      refusal: {
        kind: "not_replayable",
        weights: { made: gone.digest, served: [oldDigest, newDigest] },
      },
    });
    expect(asked).toEqual([b]);
  });

  test("a replay is refused by what a function of the settings turns out to have", async () => {
    functions({ [a]: "takes" }, { [a]: newDigest ?? "" });
    const weights = { digest: oldDigest ?? "", areRequired: true };
    expect(await ask(fleetOf([a]), { weights })).toMatchObject({
      refusal: { kind: "not_replayable", weights: { served: [newDigest] } },
    });
  });

  test("an answer that was cut off goes to its own weights, and begins anew with others where they are gone", async () => {
    const asked = functions({ [a]: "takes", [b]: "takes" });
    const weights = { digest: newDigest ?? "", areRequired: false };
    await ask(fleetOf(versions), { weights });
    await ask(fleetOf(versions.slice(0, 1)), { weights });
    expect(asked).toEqual([b, a]);
  });
});

describe("a function that nobody sees start", () => {
  test("is waited for for five seconds, asked how it is, and then woken: no paid work is left on its connection", async () => {
    vi.useFakeTimers();
    functions({ [a]: "holds the connection" });
    const loads = [{ provider: "cpu", digest: oldDigest ?? "", tookMs: [90_000, 90_000] }];
    const asleep = functionAt(a, { digest: oldDigest ?? null });
    const fleet = fleetOf([asleep], { loads, isAwake: () => false });
    const sent = ask(fleet);
    await vi.advanceTimersByTimeAsync(7_100);
    const told = { kind: "weights_loading", etaSeconds: 90, loadedBytes: 0, totalBytes: 0 };
    expect(await sent).toEqual({ ok: false, refusal: told });
    expect(fleet.woken).toEqual([a]);
  });

  test("is asked for nothing while it is known to be asleep", async () => {
    const asked = functions({ [a]: "takes" });
    const asleep = functionAt(a, { state: { kind: "asleep" } });
    const fleet = fleetOf([asleep]);
    expect(await ask(fleet)).toMatchObject({
      refusal: { kind: "weights_loading", etaSeconds: 60 },
    });
    expect([asked, fleet.woken]).toEqual([[], [a]]);
  });
});
