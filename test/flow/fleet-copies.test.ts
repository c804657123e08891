import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type FleetCaller, FleetMemory } from "#edge/fleet/fleet-memory.ts";
import type { ShardSnapshot } from "#edge/fleet/fleet-register.ts";
import { pick } from "#edge/fleet/policy/pick.ts";
import { sampled } from "#edge/fleet/sampled.ts";
import { fleetServing } from "#edge/models/serving.ts";
import type { Settings } from "#edge/settings.ts";
import { functionAt } from "../support/serving-fleet.ts";

const digest = "ab".repeat(32);
let fleet: FleetMemory;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.useFakeTimers({ now: 1_790_000_000_000 });
  fleet = new FleetMemory();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Object_ = "there" | "away" | "hangs";

/** Objects by their names; `calls` are those that were asked. */
function objects(state: Record<string, Object_>) {
  const calls: string[] = [];
  const behind: Promise<unknown>[] = [];
  const snapshot = (name: string): ShardSnapshot => {
    const [region = ""] = name.split("/");
    const url = `https://${region}.fn.test`;
    const functions = [functionAt(url, { region, digest, heardAt: Date.now() })];
    return { functions, loads: [], cards: [], total: 1, at: Date.now() };
  };
  const FLEET = {
    getByName: (name: string) => ({
      snapshot: async () => {
        calls.push(name);
        if (state[name] === "hangs") return await new Promise<never>(() => undefined);
        if (state[name] === "away") throw new Error("the object is overloaded");
        return snapshot(name);
      },
    }),
  } as unknown as FleetCaller["FLEET"];
  const caller: FleetCaller = {
    FLEET,
    requestId: "req_1",
    waitUntil: (work) => void behind.push(work),
  };
  return { calls, caller, settle: () => Promise.all(behind), state };
}

function settings(functionUrls: readonly string[] = []): Settings {
  const key = (region: string) => ({ region, models: ["demo"], urls: [] });
  return {
    ...{ functionUrls, functionKeys: [key("weur"), key("enam")], canaries: {} },
  } as unknown as Settings;
}

async function urls(caller: FleetCaller, own = settings()): Promise<readonly string[]> {
  const { functions, standings, loads } = await fleetServing("demo", own, caller, { fleet });
  const tried = new Set<string>();
  for (;;) {
    const choice = pick(functions, standings, loads, {
      ...{ steps: 8, share: 0, canary: null, digest: null, numerics: null, region: null },
      ...{ tried, now: Date.now(), random: Math.random },
    });
    if (choice.kind === "none") return [...tried].sort();
    tried.add(choice.report.url);
  }
}

const both = ["https://enam.fn.test", "https://weur.fn.test"];

describe("choosing a function", () => {
  test("calls no object: each is asked once, and then every two seconds at the most behind the answers", async () => {
    const { calls, caller, settle } = objects({});
    expect(await urls(caller)).toEqual(both);
    expect(calls).toHaveLength(2);
    for (let answers = 0; answers < 100; answers += 1) await urls(caller);
    expect(calls).toHaveLength(2);
    for (let seconds = 0; seconds < 10; seconds += 1) {
      vi.setSystemTime(Date.now() + 1_000);
      for (let answers = 0; answers < 10; answers += 1) await urls(caller);
      await settle();
    }
    expect(calls.length).toBeLessThanOrEqual(2 + 2 * 5);
  });

  test("waits for no object that hangs", async () => {
    const { caller, state, settle } = objects({});
    await urls(caller);
    state["weur/demo"] = "hangs";
    state["enam/demo"] = "hangs";
    vi.setSystemTime(Date.now() + 5_000);
    // Timers stand still: whatever waits for a reply, or for its patience, would never come back.
    expect(await urls(caller)).toEqual(both);
    await vi.advanceTimersByTimeAsync(2_000);
    await settle();
  });

  test("goes by the last copy while objects are away, for ten minutes", async () => {
    const { caller, state, settle } = objects({});
    await urls(caller);
    state["weur/demo"] = "away";
    state["enam/demo"] = "away";
    for (let seconds = 0; seconds < 540; seconds += 10) {
      vi.setSystemTime(Date.now() + 10_000);
      await urls(caller);
      await settle();
      expect(await urls(caller)).toEqual(both);
    }
    vi.setSystemTime(Date.now() + 120_000);
    await urls(caller);
    await settle();
    expect(await urls(caller)).toEqual([]);
  });

  test("goes by the functions of the settings where no object was ever reached", async () => {
    const { caller } = objects({ "weur/demo": "away", "enam/demo": "away" });
    const told = { id: "demo", digest, provider: "cpu" };
    const catalog = { told: async () => ({ word: { ok: true, value: told }, last: told }) };
    const { functions } = await fleetServing("demo", settings(["https://static.test"]), caller, {
      fleet,
      catalog: catalog as never,
    });
    expect(functions.map(({ url }) => url)).toEqual(["https://static.test"]);
  });

  test("goes on with the other region where the functions of one fall silent", async () => {
    const { caller, state, settle } = objects({});
    await urls(caller);
    vi.setSystemTime(Date.now() + 10_000);
    // Its object is there and tells what it heard last.
    const silent = functionAt("https://weur.fn.test", {
      region: "weur",
      digest,
      heardAt: Date.now() - 30_000,
    });
    const other = caller.FLEET.getByName("enam/demo");
    const FLEET = {
      getByName: (name: string) =>
        name === "weur/demo"
          ? {
              snapshot: async () => ({
                functions: [silent],
                loads: [],
                cards: [],
                total: 1,
                at: 0,
              }),
            }
          : other,
    } as unknown as FleetCaller["FLEET"];
    await urls({ ...caller, FLEET });
    await settle();
    expect(await urls({ ...caller, FLEET })).toEqual(["https://enam.fn.test"]);
    expect(state).toEqual({});
  });
});

test("a snapshot takes 128 functions at most, drawn by lot, and every version and class of arithmetic is among them", () => {
  const many = Array.from({ length: 1_000 }, (_, index) =>
    functionAt(`https://${index}.test`, { digest: index < 3 ? "cd".repeat(32) : digest }),
  );
  const drawn = sampled(many, Math.random);
  expect(drawn).toHaveLength(128);
  expect(new Set(drawn.map(({ url }) => url)).size).toBe(128);
  expect(drawn.filter((report) => report.digest !== digest)).toHaveLength(3);
  expect(sampled(many.slice(0, 128), Math.random)).toEqual(many.slice(0, 128));
});
