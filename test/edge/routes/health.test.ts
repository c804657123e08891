import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FunctionWatch } from "#edge/models/function-watch.ts";
import { modelStandings } from "#edge/models/model-standing.ts";
import { StorageWatch } from "#edge/models/storage-watch.ts";
import { type HealthBody, healthSchema } from "#wire/api/health.ts";
import type { FunctionProgress } from "#wire/function/status.ts";
import { ask, digest, functionReplies } from "../function-double.ts";

const later: Promise<unknown>[] = [];
const caller = { requestId: "req_1", waitUntil: (work: Promise<unknown>) => void later.push(work) };

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  // What an isolate remembers of other files' functions, and of the test's before.
  const look = FunctionWatch.prototype.look;
  const fresh = new FunctionWatch();
  vi.spyOn(FunctionWatch.prototype, "look").mockImplementation((...given) =>
    look.apply(fresh, given),
  );
});
afterEach(() => vi.restoreAllMocks());

const status: FunctionProgress = {
  model: { name: "demo", version: "1", digest },
  state: "loading",
  loaded_bytes: 10,
  total_bytes: 40,
  eta_seconds: 3,
  replace: false,
  reason: null,
};
const ready: FunctionProgress = { ...status, state: "ready", loaded_bytes: 40, eta_seconds: 0 };

async function health(): Promise<HealthBody> {
  return healthSchema.parse(await (await ask("/health")).json());
}

describe("GET /health", () => {
  test("works without a key: the edge is up, the weights are on their way; how much there is to do is not for everybody", async () => {
    const load = { running: 1, places: 2, queued: 3, queued_steps: 96 };
    functionReplies(() => Response.json({ ...status, ...load }));
    const before = Date.now();
    const response = await ask("/health", { headers: { authorization: "" } });
    expect(response.headers.get("cache-control")).toBe("public, max-age=5");
    const { as_of, ...body } = healthSchema.parse(await response.json());
    expect(body).toEqual({
      ...{ status: "ok", function: status, functions: [status] },
      models: [
        { id: "demo", state: "loading", eta_seconds: 3, ready: 0, known: 1 },
        // The settings name it, and nobody has it.
        { id: "unmask-demo", state: "none", eta_seconds: null, ready: 0, known: 0 },
      ],
      storage: { database: "ok", pictures: "ok" },
    });
    expect(Math.abs(Date.parse(as_of) - before)).toBeLessThan(60_000);
  });

  test("withstands a function that never answers: it is unreachable once our patience is over", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(50));
    functionReplies(async ({ signal }) => {
      await scheduler.wait(500);
      signal.throwIfAborted();
      return Response.json(status);
    });
    expect(await health()).toMatchObject({ status: "ok", function: { state: "unreachable" } });
  });

  test("withstands the function's absence: the edge is up all the same", async () => {
    functionReplies(() => {
      throw new TypeError("connection refused");
    });
    expect(await health()).toMatchObject({
      ...{ status: "ok", function: { state: "unreachable" } },
      ...{ functions: [{ state: "unreachable" }], models: [{ id: "unmask-demo", state: "none" }] },
    });
  });

  test("asks each function once, however many want to know within seconds", async () => {
    const { sent } = functionReplies(() => Response.json(ready));
    for (let asked = 0; asked < 5; asked += 1) await health();
    expect(sent.filter(({ url }) => url.endsWith("/status"))).toHaveLength(1);
  });

  test("says that storage cannot be reached, and is there all the same", async () => {
    functionReplies(() => Response.json(ready));
    vi.spyOn(env.IMAGES, "head").mockRejectedValue(new Error("R2 is away"));
    const { look } = StorageWatch.prototype;
    vi.spyOn(StorageWatch.prototype, "look").mockImplementation((...given) =>
      look.apply(new StorageWatch(), given),
    );
    expect(await health()).toMatchObject({ storage: { database: "ok", pictures: "unreachable" } });
  });
});

describe("what is said of a model", () => {
  const settings = {
    functionUrls: ["http://one.test", "http://two.test", "http://three.test"],
    model: "demo",
  };

  async function standings(
    replies: Readonly<Record<string, FunctionProgress | null>>,
    watch = new FunctionWatch(),
  ) {
    functionReplies(({ url }) => {
      const reply = replies[new URL(url).hostname];
      if (reply == null) throw new TypeError("connection refused");
      return Response.json(reply);
    });
    const watched = await watch.look(settings, caller);
    await Promise.all(later);
    return { states: watched.map(({ state }) => state), models: modelStandings(watched, "demo") };
  }

  test("ready as long as one function of it takes work, whatever the others do", async () => {
    const draining = { ...ready, draining: true };
    const said = await standings({ "one.test": draining, "two.test": ready, "three.test": status });
    expect(said).toEqual({
      states: ["draining", "ready", "loading"],
      models: [{ id: "demo", state: "ready", etaSeconds: 0, ready: 1, known: 3 }],
    });
  });

  test("loading, with the soonest end that is known, where none is ready and one is on its way", async () => {
    const slow = { ...status, eta_seconds: 90 };
    const draining = { ...ready, draining: true };
    const said = await standings({ "one.test": draining, "two.test": slow, "three.test": status });
    expect(said.models).toEqual([
      { id: "demo", state: "loading", etaSeconds: 3, ready: 0, known: 3 },
    ]);
  });

  test("none where every function is dead, draining or to be replaced; a dead one is known by what it said last", async () => {
    const watch = new FunctionWatch();
    const draining = { ...ready, draining: true };
    const condemned: FunctionProgress = { ...ready, replace: true, reason: "logits_not_finite" };
    const replies = { "one.test": ready, "two.test": draining, "three.test": condemned };
    await standings(replies, watch);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
    const said = await standings({ ...replies, "one.test": null }, watch);
    expect(said).toEqual({
      states: ["unreachable", "draining", "failed"],
      models: [{ id: "demo", state: "none", etaSeconds: null, ready: 0, known: 3 }],
    });
  });

  test("none of the model of the settings where no function was ever heard", async () => {
    expect(await standings({})).toEqual({
      states: ["unreachable", "unreachable", "unreachable"],
      models: [{ id: "demo", state: "none", etaSeconds: null, ready: 0, known: 0 }],
    });
  });
});
