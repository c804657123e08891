import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { app } from "#edge/app.ts";
import type { Bindings } from "#edge/env.ts";
import { shardName } from "#edge/fleet/shards.ts";
import { accountParts, type ErasingBindings } from "#edge/retention/account-parts.ts";
import { healthSchema } from "#wire/api/health.ts";
import { type HeartbeatBody, signHeartbeat } from "#wire/fleet/heartbeat.ts";
import { FORGET_PATH } from "#wire/function/generate.ts";
import { generateTicketKeys, type TicketSigningKey } from "#wire/function/ticket-keys.ts";
import { untoldByFunction } from "../../support/edge-builders.ts";
import { functionReplies, refusal } from "../function-double.ts";

const digest = "ab".repeat(32);
const { signing, verification } = await generateTicketKeys("eu-1");
const stranger = await generateTicketKeys("eu-1");

let region: string;
let regions = 0;
let now: number;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  regions += 1;
  region = `test-${regions}`;
  now = Date.now();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The installation with one key, for a region that no other test has. */
function bindings(): Bindings {
  const key = {
    ...verification,
    urls: ["https://*.fn.test", "https://one.test"],
    models: ["demo"],
    region,
  };
  return { ...env, FUNCTION_KEYS: JSON.stringify([key]) };
}

function said(overrides: Partial<HeartbeatBody> = {}): HeartbeatBody {
  return {
    ...{ url: "https://a.fn.test", instance: "instance-1", sent_at: now, model: "demo" },
    ...{ provider: "cpu", digest, numerics: null, state: "warm", eta_seconds: null },
    ...{ loaded_in_ms: null, queued_steps: 12, ms_per_step: 2.5, running: 1, waiting: 0 },
    ...{ places: 4, queue_length: 16, sleeps: false },
    ...overrides,
  };
}

async function send(
  body: HeartbeatBody,
  {
    key = signing,
    signed = body,
    at = Date.now(),
  }: {
    key?: TicketSigningKey;
    signed?: HeartbeatBody;
    at?: number;
  } = {},
): Promise<Response> {
  const bytes = (value: HeartbeatBody): Uint8Array<ArrayBuffer> =>
    new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));
  const context = {
    waitUntil: () => undefined,
    passThroughOnException: () => undefined,
    props: {},
  };
  return await app.fetch(
    new Request("https://unmask.test/v1/functions/heartbeats", {
      method: "POST",
      headers: {
        authorization: `Bearer ${await signHeartbeat(bytes(signed), key, at)}`,
        "content-type": "application/json",
      },
      body: bytes(body),
    }),
    bindings(),
    context as unknown as ExecutionContext,
  );
}

const shard = () => env.FLEET.getByName(shardName(region, "demo"));
const known = async () => (await shard().snapshot([])).functions;

describe("a function that registers", () => {
  test("is known in its model's object of its key's region, as it says", async () => {
    const reply = await send(said());
    expect([reply.status, await reply.json()]).toEqual([
      200,
      { object: "heartbeat", wants_card: true, next_in_ms: 5_000 },
    ]);
    expect(await known()).toMatchObject([
      {
        ...{ url: "https://a.fn.test", region, model: "demo", digest, state: { kind: "warm" } },
        load: { queuedSteps: 12, msPerStep: 2.5, running: 1, places: 4, queueLength: 16 },
      },
    ]);
  });

  test("brings its card once, which everyone is told who does not have it", async () => {
    const card = {
      ...{ id: "demo", digest, image: null, max_prompt_length: 1024, ...untoldByFunction },
      ...{ provider: "cpu", format: "f32", work: { view: 0, linear: 1, attention: 1 } },
    };
    const reply = await send(said({ card }));
    expect(await reply.json()).toMatchObject({ wants_card: false });
    const [kept] = (await shard().snapshot([])).cards;
    expect(kept?.card).toEqual(card);
    expect((await shard().snapshot([`${digest} cpu`])).cards).toEqual([]);
  });

  test("is remembered by an object that begins anew, and counts as there until it is lost again", async () => {
    await send(said());
    await runInDurableObject(shard(), (_, state) => state.abort("deployed")).catch(() => undefined);
    expect(await known()).toMatchObject([{ url: "https://a.fn.test" }]);
  });

  test("tells nothing with what it said before: a report that is caught and sent again is no news", async () => {
    await send(said({ state: "draining" }));
    const again = await send(said({ sent_at: now - 1, queued_steps: 0 }));
    expect(again.status).toBe(200);
    expect(await known()).toMatchObject([
      { state: { kind: "draining" }, load: { queuedSteps: 12 } },
    ]);
  });

  test("with others behind one address is one function: their places add up, and the work is an instance's share", async () => {
    await send(said({ instance: "instance-1", queued_steps: 10 }));
    await send(said({ instance: "instance-2", queued_steps: 30, ms_per_step: 7.5 }));
    await send(said({ instance: "instance-3", state: "loading", queued_steps: 0 }));
    expect(await known()).toMatchObject([
      { state: { kind: "warm" }, load: { queuedSteps: 20, msPerStep: 5, places: 8 } },
    ]);
  });

  test("has its loads remembered", async () => {
    await send(said({ state: "loading" }));
    await send(said({ sent_at: now + 1, loaded_in_ms: 42_000 }));
    expect((await shard().snapshot([])).loads).toEqual([
      { provider: "cpu", digest, tookMs: [42_000] },
    ]);
  });
});

describe("who registered", () => {
  const context = {
    waitUntil: () => undefined,
    passThroughOnException: () => undefined,
    props: {},
  };
  const asked = async (path: string): Promise<Response> =>
    await app.fetch(
      new Request(`https://unmask.test${path}`, {
        headers: { authorization: `Bearer ${env.ADMIN_KEY}` },
      }),
      { ...bindings(), MODEL: "demo" },
      context as unknown as ExecutionContext,
    );
  const demo = async (): Promise<unknown> => {
    const { models } = healthSchema.parse(await (await asked("/health")).json());
    return models.find(({ id }) => id === "demo");
  };

  beforeEach(() => {
    functionReplies(() => new Response("", { status: 503 }));
  });

  test.each([
    [{}, { state: "ready", eta_seconds: 0, ready: 1, known: 1 }],
    [
      { state: "loading", eta_seconds: 30 },
      { state: "loading", eta_seconds: 30, ready: 0, known: 1 },
    ],
    [{ state: "draining" }, { state: "none", eta_seconds: null, ready: 0, known: 1 }],
  ] as const)("is in the health of its model: %o", async (overrides, standing) => {
    await send(said(overrides));
    expect(await demo()).toEqual({ id: "demo", ...standing });
  });

  test("is in the metrics of its model, with what it has to do", async () => {
    await send(said());
    const text = await (await asked("/v1/metrics")).text();
    expect(text).toContain('unmask_edge_functions{model="demo",state="ready"} 1\n');
    expect(text).toContain('unmask_edge_queue_steps{model="demo"} 12\n');
  });

  test("is told to forget the pictures of an account that is erased, also while it is lost", async () => {
    await send(said());
    await send(said({ url: "https://b.fn.test" }));
    vi.useFakeTimers({ now: now + 60_000, toFake: ["Date"] });
    const { sent } = functionReplies(() => new Response(null, { status: 204 }));
    // What a Worker is bound to knows less of each object than the object that erases does.
    const installation = bindings() as unknown as ErasingBindings;
    await accountParts(installation, "acc_forgotten", "erased_00", Date.now).functions();
    const told = sent.filter(({ url }) => new URL(url).pathname === FORGET_PATH);
    expect(told.map(({ url }) => new URL(url).origin).toSorted()).toEqual([
      new URL(env.FUNCTION_URL ?? "").origin,
      "https://a.fn.test",
      "https://b.fn.test",
    ]);
  });
});

describe("nobody registers", () => {
  test.each([
    ["with a key of the same name that is another", said, { key: stranger.signing }],
    ["a minute later", said, { at: Date.now() - 120_000 }],
    ["another body than was signed", said, { signed: said({ url: "https://b.fn.test" }) }],
  ] as const)("%s", async (_, body, terms) => {
    expect(await refusal(await send(body(), terms))).toMatchObject({ code: "unauthenticated" });
    expect(await known()).toEqual([]);
  });

  test.each([
    ["https://evil.test", "/url"],
    ["https://fn.test", "/url"],
    ["https://evilfn.test", "/url"],
    ["https://a.fn.test.evil.test", "/url"],
    ["http://a.fn.test", "/url"],
    ["https://a.fn.test:8443", "/url"],
    ["https://one.test/path", "/url"],
    ["https://one.test@evil.test", "/url"],
    ["https://one.test/", "/url"],
  ])("at %s, which is none of the key's addresses", async (url, pointer) => {
    const problem = await refusal(await send(said({ url })));
    expect(problem).toMatchObject({ code: "invalid_request", errors: [{ pointer }] });
    expect(await known()).toEqual([]);
  });

  test("a model that is none of the key's", async () => {
    const problem = await refusal(await send(said({ model: "other" })));
    expect(problem).toMatchObject({ code: "invalid_request", errors: [{ pointer: "/model" }] });
  });

  test("where no key is configured", async () => {
    const context = { waitUntil: () => undefined, passThroughOnException: () => undefined };
    const reply = await app.fetch(
      new Request("https://unmask.test/v1/functions/heartbeats", { method: "POST", body: "{}" }),
      env,
      context as unknown as ExecutionContext,
    );
    expect(reply.status).toBe(401);
  });
});
