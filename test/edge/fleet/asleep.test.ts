import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { app } from "#edge/app.ts";
import type { Bindings } from "#edge/env.ts";
import { type FleetCaller, FleetMemory } from "#edge/fleet/fleet-memory.ts";
import { SETTINGS_SHARD, shardName } from "#edge/fleet/shards.ts";
import { ModelCatalog, readModels } from "#edge/models/catalog.ts";
import type { Settings } from "#edge/settings.ts";
import type { HeartbeatBody } from "#wire/fleet/heartbeat.ts";
import { MODEL_CARD_PATH, type ModelCard, STATUS_PATH } from "#wire/function/status.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { untoldByFunction } from "../../support/edge-builders.ts";

const digest = "ab".repeat(32);
const { verification } = await generateTicketKeys("eu-1");

let turn = 0;
let region: string;
let url: string;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  turn += 1;
  region = `asleep-${turn}`;
  url = `https://asleep-${turn}.test`;
});
afterEach(() => vi.restoreAllMocks());

const card: ModelCard = {
  ...{ id: "sleeper", digest, image: null, vision: null, max_prompt_length: 1024 },
  ...untoldByFunction,
  ...{ provider: "cpu", format: "f32", work: { view: 0, linear: 1, attention: 1 } },
};

const ready = {
  ...{ model: { name: "sleeper", version: "1", digest }, state: "ready" },
  ...{ loaded_bytes: 1, total_bytes: 1, eta_seconds: 0 },
};

/** A host at `url`: whatever is asked of it goes to `reply`. Returns which paths were asked. */
function host(
  reply: (path: string, signal: AbortSignal) => Response | Promise<Response>,
): readonly string[] {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { origin, pathname } = new URL(request.url);
    if (origin !== url) return new Response("", { status: 503 });
    asked.push(pathname);
    return await reply(pathname, request.signal);
  });
  return asked;
}

/** A connection that its host holds until it is left. */
async function held(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Waiting for a host that holds its connection takes no time. */
function withoutPatience(): void {
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) =>
    timeout(milliseconds <= 2_000 ? 20 : milliseconds),
  );
}

function said(overrides: Partial<HeartbeatBody> = {}): HeartbeatBody {
  return {
    ...{ url, instance: "instance-1", sent_at: Date.now(), model: card.id, provider: "cpu" },
    ...{ digest, numerics: null, state: "warm", eta_seconds: null, loaded_in_ms: null },
    ...{ queued_steps: 0, ms_per_step: null, running: 0, waiting: 0, places: 1 },
    ...{ queue_length: 4, sleeps: true, card },
    ...overrides,
  };
}

const shard = () => env.FLEET.getByName(shardName(region, card.id));
const stateOf = async (name = shard()): Promise<unknown> =>
  (await name.snapshot([])).functions.find((report) => report.url === url)?.state;

/** Its host has taken it down. */
async function goesToSleep(): Promise<void> {
  await shard().hear(said());
  await shard().hear(said({ sent_at: Date.now() + 1, state: "draining" }));
  expect(await stateOf()).toEqual({ kind: "asleep" });
}

describe("a function whose host has scaled it to zero", () => {
  test("is woken by one small request, however often that is asked for, and how long it took is remembered", async () => {
    await goesToSleep();
    const { promise: start, resolve: started } = Promise.withResolvers<void>();
    const asked = host(async () => {
      await start;
      return Response.json(ready);
    });
    await Promise.all([shard().wake(url), shard().wake(url), shard().wake(url)]);
    await vi.waitFor(() => expect(asked).toEqual([STATUS_PATH]));
    expect(await stateOf()).toMatchObject({ kind: "asleep", wokenAt: expect.any(Number) });
    started();
    await vi.waitFor(async () => expect(await stateOf()).toEqual({ kind: "asleep" }));
    const [load] = (await shard().snapshot([])).loads;
    expect(load).toEqual({ provider: "cpu", digest, tookMs: [expect.any(Number)] });
    expect(asked).toHaveLength(1);
  });

  test("is looked at until it is ready: a refused connection and weights that load are no end", async () => {
    await goesToSleep();
    vi.spyOn(scheduler, "wait").mockResolvedValue(undefined);
    const replies = [
      (): never => {
        throw new TypeError("connection refused");
      },
      () => Response.json({ ...ready, state: "loading", eta_seconds: 3 }),
      () => Response.json(ready),
    ];
    let looks = 0;
    const asked = host(() => (replies[looks++] ?? replies[2] ?? Response.error)());
    await shard().wake(url);
    await vi.waitFor(async () => expect((await shard().snapshot([])).loads).toHaveLength(1));
    expect(asked).toHaveLength(3);
  });

  test("is not woken by an object that has never heard of it", async () => {
    const asked = host(() => Response.json(ready));
    await shard().wake(url);
    expect(await shard().snapshot([])).toMatchObject({ functions: [], loads: [] });
    expect(asked).toEqual([]);
  });

  test("has a quote say cold, and warm once it is back", async () => {
    const bindings: Bindings = {
      ...env,
      FUNCTION_KEYS: JSON.stringify([{ ...verification, urls: [url], models: [card.id], region }]),
    };
    const quoted = async (): Promise<unknown> => {
      const waitUntil = () => undefined;
      const context = { waitUntil, passThroughOnException: waitUntil, props: {} };
      const reply = await app.fetch(
        new Request("https://unmask.test/v1/quotes", {
          method: "POST",
          headers: {
            authorization: `Bearer ${env.TEST_API_KEY}`,
            "content-type": "application/json",
          },
          body: JSON.stringify({ model: card.id, question: "?" }),
        }),
        bindings,
        context as unknown as ExecutionContext,
      );
      return await reply.json();
    };
    await goesToSleep();
    host(() => Response.json({}, { status: 503 }));
    expect(await quoted()).toMatchObject({ model: card.id, weights: "cold" });
    await shard().hear(said({ sent_at: Date.now() + 2 }));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_500 });
    await quoted();
    await vi.waitFor(async () => expect(await quoted()).toMatchObject({ weights: "warm" }));
    vi.useRealTimers();
  });
});

describe("a function of the settings that sleeps", () => {
  const settings = (): Settings =>
    ({
      ...{ functionUrls: [url], functionKeys: [], canaries: {}, cards: {}, model: undefined },
    }) as unknown as Settings;

  /** As an isolate that has heard of nothing yet. */
  async function readAnew() {
    const behind: Promise<unknown>[] = [];
    const caller: FleetCaller = {
      FLEET: env.FLEET as unknown as FleetCaller["FLEET"],
      requestId: "req_1",
      waitUntil: (work) => void behind.push(work),
    };
    const means = { catalog: new ModelCatalog(), fleet: new FleetMemory() };
    const models = await readModels(settings(), caller, means);
    await Promise.all(behind);
    return models;
  }

  test("is priced by the card that another isolate heard, is woken, and says when it will be there", async () => {
    host((path) => (path === MODEL_CARD_PATH ? Response.json(card) : Response.json(ready)));
    const heard = (await readAnew()).find(undefined);
    expect(heard).toMatchObject({ ok: true, value: { id: card.id } });

    withoutPatience();
    const { promise: start, resolve: started } = Promise.withResolvers<void>();
    const asked = host(async (path, signal) => {
      if (path !== STATUS_PATH) return await held(signal);
      await start;
      return Response.json(ready);
    });
    const asleep = await readAnew();
    expect(asleep.find(undefined)).toEqual(heard);
    expect(asleep.served).toMatchObject([{ functionUrl: url, isHeard: false }]);
    expect(asleep.silence).toMatchObject({
      kind: "weights_loading",
      etaSeconds: expect.any(Number),
    });
    await vi.waitFor(() => expect(asked).toContain(STATUS_PATH));
    started();
    const loads = async () => (await env.FLEET.getByName(SETTINGS_SHARD).snapshot([])).loads;
    await vi.waitFor(async () => expect((await loads()).length).toBeGreaterThan(0));
  });

  test("that nobody has heard yet is no model, and it cannot be reached", async () => {
    withoutPatience();
    host(async (_, signal) => await held(signal));
    const models = await readAnew();
    expect(models.served).toEqual([]);
    expect(models.find(undefined)).toEqual({
      ok: false,
      refusal: { kind: "function_unreachable" },
    });
  });

  test("that refuses its connection is away, not asleep: nobody wakes it", async () => {
    host((path) => (path === MODEL_CARD_PATH ? Response.json(card) : Response.json(ready)));
    await readAnew();
    const asked = host(() => {
      throw new TypeError("connection refused");
    });
    expect((await readAnew()).silence).toEqual({ kind: "function_unreachable" });
    expect(asked).toEqual([MODEL_CARD_PATH]);
  });
});
