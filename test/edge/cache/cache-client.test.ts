import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import type { Question } from "#domain/question.ts";
import type { ModelCard } from "#domain/quote.ts";
import type { AnswerCache, CacheDirectives, Lookup } from "#edge/cache/answer-cache.ts";
import { answerCacheOf, type CacheFront, newCacheFront } from "#edge/cache/cache-client.ts";
import {
  CACHE_LIFETIME_MS,
  type CacheEntry,
  LEAD_KEPT_AFTER_MS,
  LEADER_LEASE_MS,
  LEADER_START_MS,
} from "#edge/cache/cache-object.ts";
import type { CallerContext } from "#edge/caller-context.ts";
import type { Bindings } from "#edge/env.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { MODEL_CARD_PATH } from "#wire/function/status.ts";
import { options, question, unjudged } from "../../support/edge-builders.ts";
import { asked as inEdge } from "../../support/orders.ts";
import { testCaller } from "../caller.ts";
import { demoCard } from "../demo-card.ts";
import { functionReplies, digest as weights } from "../function-double.ts";
import { picture } from "../routes/images.ts";
import { modelReply } from "./model-reply.ts";

let caller: CallerContext<Bindings>;
let front: CacheFront;
let cache: AnswerCache;
let asked = 0;
let served = weights;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  caller = await testCaller();
  front = newCacheFront();
  cache = answerCacheOf(env, front);
  served = weights;
  functionReplies(({ url }) => {
    if (!url.endsWith(MODEL_CARD_PATH)) throw new Error(`${url} is not expected`);
    return modelReply(served);
  }, "asked");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A question that nobody has asked before. */
function fresh(overrides: Partial<Question> = {}): Question {
  asked += 1;
  return question({ options: options({ seed: asked }), ...overrides });
}

const anyhow: CacheDirectives = {
  ...{ noStore: false, noCache: false, onlyIfCached: false, maxAge: null },
};

interface Terms {
  readonly as?: string;
  readonly pool?: "private" | "shared" | "off";
  readonly directives?: Partial<CacheDirectives>;
  readonly notLeader?: string;
  readonly by?: CallerContext<Bindings>;
  readonly card?: ModelCard;
}

async function lookUp(what: Question, terms: Terms = {}): Promise<Lookup> {
  const { as: answerId = "ans_1", pool = "private", directives = {}, by = caller } = terms;
  const { bindings, settings, key, requestId, waitUntil } = by;
  const { FLEET } = bindings;
  const { accountId } = key;
  const { card = demoCard() } = terms;
  const place = { accountId, owner: null, poolOwner: null };
  const cacheCaller = { settings, card, ...place, FLEET, requestId, waitUntil };
  return await cache.lookUp(cacheCaller, inEdge(what), {
    answerId,
    pool,
    directives: { ...anyhow, ...directives },
    notLeader: terms.notLeader ?? null,
  });
}

function body(overrides: Partial<AnswerBody> = {}): AnswerBody {
  return {
    id: "ans_1",
    object: "answer",
    status: "completed",
    answer: "A red square.",
    confidence: 0.5,
    ...unjudged,
    model: "unmask-demo",
    model_digest: weights,
    numerics: null,
    restarts: 0,
    digest: "cd".repeat(32),
    cached: false,
    usage: {
      image_vectors: 37,
      cached_image_vectors: 0,
      prompt_length: 60,
      canvas: 4,
      steps: 2,
      forward_passes: 2,
      refreshes: 2,
      rows: 128,
    },
    charged_micros: 7,
    created_at: new Date().toISOString(),
    ended_at: new Date().toISOString(),
    tokens: [],
    error: null,
    warnings: [],
    ...overrides,
  };
}

/** Until then the answer itself is kept. */
function longKept(): number {
  return Date.now() + 60 * 86_400_000;
}

function keyOf(found: Lookup): string {
  if (found.kind === "bypass") throw new Error("there is no key of a bypass");
  return found.key;
}

/** Asks as the first and stores the answer; returns its key. */
async function answered(what: Question, terms: Terms = {}, overrides = {}): Promise<string> {
  const key = keyOf(await lookUp(what, terms));
  await cache.store(key, body({ id: terms.as ?? "ans_1", ...overrides }), longKept());
  return key;
}

function elsewhere(): CallerContext<Bindings> {
  return { ...caller, key: { ...caller.key, accountId: "acc_else" } };
}

function later(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + milliseconds });
}

describe("the first who asks leads, and", () => {
  test("all others join until the answer is there, then it is a hit", async () => {
    const what = fresh();
    const led = await lookUp(what, { as: "ans_lead" });
    expect(led.kind).toBe("lead");
    const others = await Promise.all(
      Array.from({ length: 200 }, (_, index) => lookUp(what, { as: `ans_${index}` })),
    );
    const join = { kind: "join", leaderId: "ans_lead", leaderAccountId: "acc_test" };
    for (const other of others) expect(other).toMatchObject({ ...join, key: keyOf(led) });
    await cache.store(keyOf(led), body({ id: "ans_lead" }), longKept());
    expect(await lookUp(what, { as: "ans_late" })).toMatchObject({
      kind: "hit",
      key: keyOf(led),
      body: { id: "ans_lead", answer: "A red square.", cached: true, charged_micros: 0 },
    });
  });

  test("of 200 at once exactly one leads", async () => {
    const what = fresh();
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, index) => lookUp(what, { as: `ans_${index}` })),
    );
    const leaders = all.filter(({ kind }) => kind === "lead");
    const joined = new Set(all.map((one) => (one.kind === "join" ? one.leaderId : "")));
    expect([leaders.length, joined.size]).toEqual([1, 2]);
  });

  test("leads again when it asks again under the same id", async () => {
    const what = fresh();
    await lookUp(what);
    expect((await lookUp(what)).kind).toBe("lead");
  });

  test("when it comes to nothing, one of those who joined it leads and the others join that one", async () => {
    const what = fresh();
    await lookUp(what, { as: "ans_dead" });
    later(LEADER_START_MS);
    const again = await Promise.all(
      ["ans_a", "ans_b", "ans_c"].map((as) => lookUp(what, { as, notLeader: "ans_dead" })),
    );
    expect(again.map(({ kind }) => kind).toSorted()).toEqual(["join", "join", "lead"]);
    for (const one of again) if (one.kind === "join") expect(one.leaderId).not.toBe("ans_dead");
  });

  test("who finds no answer of it yet is told to wait for it, a little later", async () => {
    const what = fresh();
    await lookUp(what, { as: "ans_lead" });
    const startedAt = performance.now();
    const found = await lookUp(what, { as: "ans_early", notLeader: "ans_lead" });
    expect(found).toMatchObject({ kind: "join", leaderId: "ans_lead" });
    expect(performance.now() - startedAt).toBeGreaterThan(90);
  });

  test("when it lets go, the next leads", async () => {
    const what = fresh();
    const led = await lookUp(what, { as: "ans_dead" });
    await cache.abandon(keyOf(led), "ans_other");
    expect((await lookUp(what, { as: "ans_next" })).kind).toBe("join");
    await cache.abandon(keyOf(led), "ans_dead");
    expect((await lookUp(what, { as: "ans_next" })).kind).toBe("lead");
  });

  test("when it dies without a word, the next leads once its lease has ended", async () => {
    const what = fresh();
    await lookUp(what, { as: "ans_dead" });
    later(LEADER_LEASE_MS);
    expect((await lookUp(what, { as: "ans_next" })).kind).toBe("lead");
  });

  test("is still known when the key's object was evicted", async () => {
    const what = fresh();
    const key = keyOf(await lookUp(what, { as: "ans_lead" }));
    await evictDurableObject(env.CACHE.getByName(key));
    expect(await lookUp(what, { as: "ans_late" })).toMatchObject({ leaderId: "ans_lead" });
  });

  test("whose object dies within its first seconds is led beside, and both are answered", async () => {
    const what = fresh();
    const key = keyOf(await lookUp(what, { as: "ans_first" }));
    await crash(key);
    expect((await lookUp(what, { as: "ans_beside" })).kind).toBe("lead");
    await cache.store(key, body({ id: "ans_first" }), longKept());
    expect(await lookUp(what, { as: "ans_late" })).toMatchObject({ kind: "hit" });
  });

  test("whose object dies later is still known", async () => {
    const what = fresh();
    const key = keyOf(await lookUp(what, { as: "ans_lead" }));
    await scheduler.wait(LEAD_KEPT_AFTER_MS + 300);
    await crash(key);
    expect(await lookUp(what, { as: "ans_late" })).toMatchObject({ leaderId: "ans_lead" });
  });
});

/** Ends the instance as a crash would: nothing of its memory is left. */
async function crash(key: string): Promise<void> {
  const killed = runInDurableObject(env.CACHE.getByName(key), (_, state) =>
    state.abort("the machine died"),
  );
  await killed.catch(() => undefined);
}

describe("a hit", () => {
  test("in the private pool is the first answer itself, at the model card's price", async () => {
    const what = fresh();
    await answered(what);
    const card = { ...demoCard(), hitPrice: micros(3) };
    expect(await lookUp(what, { as: "ans_2", card })).toMatchObject({
      body: { id: "ans_1", cached: true, charged_micros: 3, digest: "cd".repeat(32) },
    });
  });

  test("in the shared pool is an answer of its own, which tells nobody's id", async () => {
    const what = fresh();
    await answered(what, { pool: "shared" });
    const found = await lookUp(what, { as: "ans_2", pool: "shared", by: elsewhere() });
    expect(found).toMatchObject({ kind: "hit", body: { id: "ans_2", cached: true } });
    expect(JSON.stringify(found)).not.toContain("ans_1");
  });

  test("of an answer that is forgotten within a minute is an answer of its own: nobody could fetch it under that id", async () => {
    const what = fresh();
    await answered(what);
    later(CACHE_LIFETIME_MS - 30_000);
    expect(await lookUp(what, { as: "ans_2" })).toMatchObject({ body: { id: "ans_2" } });
  });

  test("tells its age and how long it lives on", async () => {
    const what = fresh();
    await answered(what);
    later(90_500);
    const found = await lookUp(what);
    const ttlSeconds = CACHE_LIFETIME_MS / 1000 - 91;
    expect(found).toMatchObject({ kind: "hit", ageSeconds: 90, ttlSeconds });
  });

  test("comes from this isolate's memory when it was told before: the object is not asked", async () => {
    const what = fresh();
    const key = await answered(what);
    await lookUp(what);
    await runInDurableObject(env.CACHE.getByName(key), (_, { storage }) => storage.deleteAll());
    expect((await lookUp(what)).kind).toBe("hit");
    front = newCacheFront();
    cache = answerCacheOf(env, front);
    expect((await lookUp(what)).kind).toBe("lead");
  });

  test("ends after a month, and its object empties itself", async () => {
    const what = fresh();
    const key = await answered(what);
    later(CACHE_LIFETIME_MS);
    expect((await lookUp(what, { as: "ans_new" })).kind).toBe("lead");
    await cache.abandon(key, "ans_new");
    const object = env.CACHE.getByName(key);
    expect(await runDurableObjectAlarm(object)).toBe(true);
    const left = await runInDurableObject(object, (_, { storage }) => [...storage.kv.list()]);
    expect(left).toEqual([]);
  });
});

describe("no answer is shared between", () => {
  test("two accounts in their private pools, though they ask the same", async () => {
    const what = fresh();
    await answered(what);
    expect((await lookUp(what, { by: elsewhere() })).kind).toBe("lead");
  });

  test("the shared pool and a private one", async () => {
    const what = fresh();
    await answered(what, { pool: "shared" });
    expect((await lookUp(what)).kind).toBe("lead");
    const mine = fresh();
    await answered(mine);
    expect((await lookUp(mine, { pool: "shared" })).kind).toBe("lead");
  });

  test("two pictures of the same bytes' count with width and height exchanged", async () => {
    const [wide, high] = [picture(150, 30), picture(30, 150)];
    expect(wide.length).toBe(high.length);
    const what = fresh({ images: [wide] });
    await answered(what);
    expect((await lookUp({ ...what, images: [high] })).kind).toBe("lead");
  });

  test("two weights: a switch of models is a miss, within half a minute", async () => {
    const what = fresh();
    const key = await answered(what);
    served = "ee".repeat(32);
    expect((await lookUp(what)).kind).toBe("hit");
    later(MODEL_MS);
    const found = await lookUp(what, { as: "ans_new" });
    expect(found.kind).toBe("lead");
    expect(keyOf(found)).not.toBe(key);
  });

  test("a key and weights that it does not stand for: such an answer is not kept", async () => {
    const what = fresh();
    await answered(what, {}, { model_digest: "ee".repeat(32) });
    later(LEADER_START_MS);
    expect((await lookUp(what, { as: "ans_2", notLeader: "ans_1" })).kind).toBe("lead");
  });
});

describe("only a completed answer is kept, so", () => {
  test.each(["partial", "failed", "cancelled", "running"] as const)(
    "a leader's %s one is never a hit",
    async (status) => {
      const what = fresh();
      const key = keyOf(await lookUp(what));
      await cache.store(key, body({ status, digest: null }), longKept());
      expect((await lookUp(what, { as: "ans_2" })).kind).toBe("join");
    },
  );
});

describe("Cache-Control", () => {
  test("no-store neither looks nor leads", async () => {
    const what = fresh();
    await answered(what);
    const found = await lookUp(what, { directives: { noStore: true } });
    expect(found).toEqual({ kind: "bypass" });
  });

  test("no-cache runs afresh, beside whoever else runs, and its answer renews the age", async () => {
    const what = fresh();
    const key = await answered(what);
    await lookUp(what);
    later(60_000);
    const directives = { noCache: true };
    expect((await lookUp(what, { as: "ans_2", directives })).kind).toBe("lead");
    expect((await lookUp(what, { as: "ans_3", directives })).kind).toBe("lead");
    await cache.store(key, body({ id: "ans_2" }), longKept());
    cache = answerCacheOf(env, newCacheFront());
    expect(await lookUp(what)).toMatchObject({ ageSeconds: 0, body: { id: "ans_2" } });
  });

  test("only-if-cached hits, and never leads or joins", async () => {
    const directives = { onlyIfCached: true };
    const what = fresh();
    expect(await lookUp(what, { directives })).toEqual({ kind: "bypass" });
    const key = keyOf(await lookUp(what, { as: "ans_lead" }));
    expect(await lookUp(what, { as: "ans_2", directives })).toEqual({ kind: "bypass" });
    await cache.store(key, body(), longKept());
    expect((await lookUp(what, { directives })).kind).toBe("hit");
  });

  test("max-age takes no older answer, from the memory neither", async () => {
    const what = fresh();
    await answered(what);
    await lookUp(what);
    later(9_000);
    expect((await lookUp(what, { directives: { maxAge: 10 } })).kind).toBe("hit");
    later(2_000);
    expect((await lookUp(what, { directives: { maxAge: 10 } })).kind).toBe("lead");
  });

  test("cache: off neither looks nor leads", async () => {
    const what = fresh();
    await answered(what);
    expect(await lookUp(what, { pool: "off" })).toEqual({ kind: "bypass" });
  });
});

describe("the cache withstands", () => {
  test.each<[string, (entry: { text: string; sha256: string }) => object]>([
    ["a flipped letter", (entry) => ({ ...entry, text: entry.text.replace("red", "rad") })],
    ["half an entry", (entry) => ({ ...entry, text: entry.text.slice(0, 100) })],
    ["a lost digest", (entry) => ({ ...entry, sha256: "" })],
  ])("%s: a miss, and the entry is deleted", async (_, damage) => {
    const what = fresh();
    const key = await answered(what);
    const object = env.CACHE.getByName(key);
    await runInDurableObject(object, (_, { storage }) => {
      storage.kv.put("entry", damage(storage.kv.get("entry") as never));
    });
    expect((await lookUp(what, { as: "ans_2" })).kind).toBe("lead");
    const entry = await runInDurableObject(object, (_, { storage }) => storage.kv.get("entry"));
    expect(entry).toBeUndefined();
  });

  test("an entry of another version of this service: a miss", async () => {
    const what = fresh();
    await answered(what, {}, { surprise: true });
    expect((await lookUp(what, { as: "ans_2" })).kind).toBe("lead");
  });

  test("two writers whose answers differ: the first is told ever after", async () => {
    const what = fresh();
    const key = await answered(what);
    await cache.store(
      key,
      body({ id: "ans_2", answer: "A rad square.", digest: "ee".repeat(32) }),
      longKept(),
    );
    expect(await lookUp(what)).toMatchObject({ body: { id: "ans_1", answer: "A red square." } });
  });

  test("two classes of arithmetic: the first answer is told with its class, and that they differ is no fault", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const what = fresh();
    const key = await answered(what, {}, { numerics: "cpu/a/b/alone/c" });
    const other = { id: "ans_2", digest: "ee".repeat(32) };
    await cache.store(key, body({ ...other, numerics: "webgpu/a/b/alone/c" }), longKept());
    expect(await lookUp(what)).toMatchObject({ body: { numerics: "cpu/a/b/alone/c" } });
    expect(logged).not.toHaveBeenCalled();
    await cache.store(key, body({ ...other, numerics: "cpu/a/b/alone/c" }), longKept());
    expect(logged).toHaveBeenCalledOnce();
  });

  test("an answer that has expired: another takes its place, though the alarm has not come yet", async () => {
    const what = fresh();
    const key = await answered(what);
    later(CACHE_LIFETIME_MS);
    await cache.store(key, body({ id: "ans_2", digest: "ee".repeat(32) }), longKept());
    cache = answerCacheOf(env, newCacheFront());
    expect(await lookUp(what)).toMatchObject({ kind: "hit", body: { id: "ans_2" } });
  });

  test("two answers whose class nobody knows: the first is told, and that they differ is no fault", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const what = fresh();
    const key = await answered(what);
    await cache.store(key, body({ id: "ans_2", digest: "ee".repeat(32) }), longKept());
    expect(await lookUp(what)).toMatchObject({ body: { id: "ans_1" } });
    expect(logged).not.toHaveBeenCalled();
  });

  test("who found an entry damaged: only that one is deleted, not one that has taken its place", async () => {
    const object = env.CACHE.getByName(await answered(fresh()));
    const entryOf = () =>
      runInDurableObject(object, (_, { storage }) => storage.kv.get<CacheEntry>("entry"));
    const entry = await entryOf();
    if (entry === undefined) throw new Error("nothing was kept");
    await object.drop({ ...entry, storedAt: entry.storedAt - 1 });
    await object.drop({ ...entry, sha256: "00".repeat(32) });
    expect(await entryOf()).toEqual(entry);
    await object.drop(entry);
    expect(await entryOf()).toBeUndefined();
  });

  test("an answer too long to keep: it is not kept", async () => {
    const what = fresh();
    await answered(what, {}, { answer: "x".repeat(1_100_000) });
    expect((await lookUp(what, { as: "ans_2" })).kind).toBe("join");
  });

  test("a function that is not ready: the cache is passed by", async () => {
    functionReplies(() => new Response("", { status: 503 }), "asked");
    expect(await lookUp(fresh())).toEqual({ kind: "bypass" });
  });

  test("its own object being away: a miss and a line in the log, never an error", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const away = (): never => {
      throw new Error("the object is away");
    };
    const CACHE = { getByName: away } as unknown as typeof env.CACHE;
    cache = answerCacheOf({ CACHE }, front);
    expect(await lookUp(fresh())).toEqual({ kind: "bypass" });
    await cache.store("k", body(), longKept());
    await cache.abandon("k", "ans_1");
    expect(logged).toHaveBeenCalledTimes(3);
  });

  test("its own object never answering: the question is not kept waiting for long", async () => {
    const never = { claim: () => new Promise(() => {}) };
    const CACHE = { getByName: () => never } as unknown as typeof env.CACHE;
    cache = answerCacheOf({ CACHE }, front);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asking = lookUp(fresh());
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await asking).toEqual({ kind: "bypass" });
  });
});
