import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DispatchMeans, dispatch } from "#edge/fleet/dispatch.ts";
import { type FleetCaller, FleetMemory } from "#edge/fleet/fleet-memory.ts";
import { FleetRegister } from "#edge/fleet/fleet-register.ts";
import { shardName } from "#edge/fleet/shards.ts";
import { fleetServing } from "#edge/models/serving.ts";
import type { Settings } from "#edge/settings.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import type { HeartbeatBody } from "#wire/fleet/heartbeat.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { GENERATE_PATH, MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { question, story } from "../../support/edge-builders.ts";
import { asked as asQuestion } from "../../support/orders.ts";

const MODEL = "lossy";
const digest = "ab".repeat(32);
const { signing: ticketKey } = await generateTicketKeys("test");

let turn = 0;
let regions: readonly [here: string, there: string];
let behind: Promise<unknown>[];
let fleet: FleetMemory;
let gone: Set<string>;

const urlOf = (region: string): string => `https://${region}.fn.test`;
const shard = (region: string) => env.FLEET.getByName(shardName(region, MODEL));

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  turn += 1;
  regions = [`here-${turn}`, `there-${turn}`];
  behind = [];
  gone = new Set();
  fleet = new FleetMemory();
  for (const region of regions) await shard(region).hear(said(region));
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const { origin, pathname } = new URL(String(input));
    if (gone.has(origin) || pathname !== GENERATE_PATH) throw new TypeError("connection refused");
    const text = story.map((event) => encodeSse(eventMessage(event, "ans_1"))).join("");
    const headers = {
      "content-type": "text/event-stream",
      [MODEL_DIGEST_HEADER]: digest,
      [HOP_VERSION_HEADER]: String(HOP_VERSION),
    };
    return new Response(text, { headers });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function said(region: string): HeartbeatBody {
  return {
    ...{ url: urlOf(region), instance: "instance-1", sent_at: Date.now(), model: MODEL },
    ...{ provider: "cpu", digest, numerics: null, state: "warm", eta_seconds: null },
    ...{ loaded_in_ms: null, queued_steps: 0, ms_per_step: 5, running: 0, waiting: 0 },
    ...{ places: 4, queue_length: 16, sleeps: false },
  };
}

/** Sends an answer by what the real objects know; returns whether a function took it. */
async function isTaken(): Promise<boolean> {
  const key = (region: string) => ({ region, models: [MODEL], urls: [] });
  const settings = {
    ...{ functionUrls: [], functionKeys: regions.map(key), canaries: {} },
    ...{ functionSilenceSeconds: 60, ticketKey },
  } as unknown as Settings;
  const caller: FleetCaller = {
    FLEET: env.FLEET as unknown as FleetCaller["FLEET"],
    requestId: "req_1",
    waitUntil: (work) => void behind.push(work),
  };
  const means: DispatchMeans = {
    settings,
    pictures: env.IMAGES,
    fleetOf: async (model) => await fleetServing(model, settings, caller, { fleet }),
    random: Math.random,
    now: Date.now,
  };
  const job = { id: "ans_1", accountId: "acc_1", card: { id: MODEL } };
  const sent = await dispatch({ ...job, question: asQuestion(question({ images: [] })) }, means, {
    ...{ owner: null, requestId: "req_1", traceparent: null, deadlineAt: null },
    ...{ numerics: null, weights: null, signal: new AbortController().signal },
  });
  if (sent.ok) for await (const _ of sent.value.events);
  await Promise.all(behind.splice(0));
  return sent.ok;
}

/** So much later: a copy is renewed behind the next answer. */
function later(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + milliseconds });
}

describe("answers go on", () => {
  test("in an isolate that was asked nothing for an hour: it hears anew who is there, and refuses nobody meanwhile", async () => {
    expect(await isTaken()).toBe(true);
    later(3_600_000);
    for (const region of regions) await shard(region).hear(said(region));
    expect(await Promise.all([isTaken(), isTaken(), isTaken()])).toEqual([true, true, true]);
  });

  test("where a region is lost, whether its object still believes in it or not", async () => {
    for (let answers = 0; answers < 4; answers += 1) expect(await isTaken()).toBe(true);
    gone.add(urlOf(regions[0]));
    for (let answers = 0; answers < 8; answers += 1) expect(await isTaken()).toBe(true);
    later(60_000);
    await shard(regions[1]).hear(said(regions[1]));
    for (let answers = 0; answers < 4; answers += 1) expect(await isTaken()).toBe(true);
    gone.add(urlOf(regions[1]));
    expect(await isTaken()).toBe(false);
  });

  test("where the instance of a fleet's object dies between two of them: the next one has read who was there", async () => {
    expect(await isTaken()).toBe(true);
    for (const region of regions) {
      const killed = runInDurableObject(shard(region), (_, state) => state.abort("it died"));
      await killed.catch(() => undefined);
    }
    fleet = new FleetMemory();
    expect(await isTaken()).toBe(true);
  });

  test("by the last copy where both objects reply with nothing but faults, and end where that is too old", async () => {
    expect(await isTaken()).toBe(true);
    vi.spyOn(FleetRegister.prototype, "snapshot").mockImplementation(() => {
      throw new Error("the object is broken");
    });
    for (let minutes = 0; minutes < 9; minutes += 1) {
      later(60_000);
      expect(await isTaken()).toBe(true);
    }
    later(180_000);
    expect(await isTaken()).toBe(false);
  });
});
