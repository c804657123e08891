import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "#domain/bundle.ts";
import { createSha256 } from "#inference/sha256.ts";
import type { LoadStatus } from "#weights/load-tally.ts";
import { blobKey } from "#weights/manifest.ts";
import type { ObjectStore } from "#weights/object-store.ts";
import { inLoadingOrder } from "#weights/plan.ts";
import { createS3Store } from "#weights/s3.ts";
import type { ShardCache } from "#weights/shard-fetch.ts";
import { collect } from "#weights/source.ts";
import { loadBundle } from "#weights/stream.ts";
import { impatientPolicy, loadedHashes, tinyBundle } from "../support/bundles.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { serveObjects } from "../support/object-server.ts";
import type { TestServer } from "../support/test-server.ts";

let memory: ObjectStore;
let bundle: Bundle;
let right: string[];
let server: TestServer;
let proxy: FaultProxy;
let store: ObjectStore;

beforeAll(async () => {
  ({ store: memory, bundle } = await tinyBundle());
  right = (await loadedHashes({ store: memory, bundle })).hashes;
  server = await serveObjects(memory);
  proxy = await startFaultProxy(server.origin);
  store = createS3Store({
    endpoint: proxy.origin,
    region: "auto",
    bucket: "models",
    accessKeyId: "any",
    secretAccessKey: "any",
  });
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});

const shardsOf = (): Bundle["stages"][number]["shards"] =>
  bundle.stages.flatMap(({ shards }) => shards);
const totalBytes = (): number => shardsOf().reduce((sum, { bytes }) => sum + bytes, 0);

/** Every fault of a store that time mends, each small enough to strike inside the smallest shard. */
const passing: readonly Fault[] = [
  { kind: "status", status: 500, code: "InternalError" },
  { kind: "status", status: 503, code: "SlowDown" },
  { kind: "status", status: 429, code: "TooManyRequests" },
  { kind: "wrong-length", missingBytes: 9 },
  { kind: "bit-flip", byte: 100 },
  { kind: "truncate", afterBytes: 777 },
  { kind: "cut", afterBytes: 777 },
  { kind: "stall", afterBytes: 777 },
  { kind: "ignore-range" },
  { kind: "replaced" },
];

describe("loading through faults", () => {
  test.each(passing)(
    "$kind $code on any one request still ends in the right weights",
    async (fault) => {
      for (const shard of shardsOf()) {
        proxy.inject(shard.sha256, fault);
        const { hashes } = await loadedHashes({ store, bundle });
        expect(hashes).toEqual(right);
        expect(proxy.pending()).toBe(0);
      }
    },
  );

  test("all of them together, in every shard's way, still end in the right weights", async () => {
    const broken = passing.filter(({ kind }) =>
      ["status", "truncate", "cut", "stall"].includes(kind),
    );
    for (const shard of shardsOf()) {
      proxy.inject(
        shard.sha256,
        ...broken,
        { kind: "bit-flip", byte: 3 },
        { kind: "ignore-range" },
      );
    }
    // On a busy machine a healthy connection may say nothing for 150 ms, which would count as one more failure.
    const policy = impatientPolicy({ stallMs: 1000 });
    const { hashes, status } = await loadedHashes({ store, bundle, policy });
    expect(hashes).toEqual(right);
    expect(proxy.pending()).toBe(0);
    expect(status.retries).toBe(6 * shardsOf().length);
    expect(status.corruptions).toBe(shardsOf().length);
  });

  test("a transfer that is cut k times is resumed where it broke: no byte is read twice", async () => {
    const cuts = Array.from({ length: 12 }, (): Fault => ({ kind: "cut", afterBytes: 3000 }));
    const [shard] = shardsOf();
    proxy.inject(shard?.sha256 ?? "", ...cuts);
    const { hashes, status } = await loadedHashes({ store, bundle });
    expect(hashes).toEqual(right);
    expect(status.retries).toBe(12);
    expect(status.receivedBytes / totalBytes()).toBe(1);
  });

  test("a server that ignores the range of a resumption is read past what is there already", async () => {
    const [shard] = shardsOf();
    proxy.inject(
      shard?.sha256 ?? "",
      { kind: "cut", afterBytes: 20_000 },
      { kind: "ignore-range" },
    );
    const { hashes, status } = await loadedHashes({ store, bundle });
    expect(hashes).toEqual(right);
    expect(status.receivedBytes).toBe(totalBytes() + 20_000);
  });

  test("an object replaced in the middle is read again from its beginning", async () => {
    const [shard] = shardsOf();
    proxy.inject(shard?.sha256 ?? "", { kind: "cut", afterBytes: 20_000 }, { kind: "replaced" });
    const { hashes, status } = await loadedHashes({ store, bundle });
    expect(hashes).toEqual(right);
    expect(status.corruptions).toBe(1);
  });
});

describe("loading that cannot succeed", () => {
  test.each([
    [{ kind: "bit-flip", byte: 100 }, "shard_corrupt"],
    [{ kind: "wrong-length", missingBytes: 9 }, "shard_corrupt"],
    [{ kind: "replaced" }, "shard_corrupt"],
  ] as const)("three times %o is %s, with the shard's name", async (fault, code) => {
    const shard = shardsOf()[3];
    proxy.inject(shard?.sha256 ?? "", fault, fault, fault);
    const attempt = loadedHashes({ store, bundle });
    await expect(attempt).rejects.toMatchObject({
      code,
      message: expect.stringContaining(shard?.sha256 ?? "-"),
    });
    expect(proxy.pending()).toBe(0);
  });

  test.each([
    [403, "AccessDenied", "access_denied"],
    [404, "NoSuchKey", "not_found"],
    [400, "InvalidRequest", "store_refused"],
  ])("%i is an error at once, without another try", async (status, code, expected) => {
    const shard = shardsOf()[2];
    proxy.inject(shard?.sha256 ?? "", { kind: "status", status, code });
    const before = proxy.gets.length;
    await expect(loadedHashes({ store, bundle, concurrency: 1 })).rejects.toMatchObject({
      code: expected,
    });
    expect(
      proxy.gets.slice(before).filter(({ path }) => path.includes(shard?.sha256 ?? "-")),
    ).toHaveLength(1);
  });

  test("a store that stays broken is given up when the budget of time is spent", async () => {
    const shard = shardsOf()[0];
    const busy: Fault = { kind: "status", status: 503, code: "SlowDown" };
    let nowMs = 0;
    const policy = impatientPolicy({
      budgetMs: 10_000,
      firstDelayMs: 1000,
      maxDelayMs: 4000,
      now: () => nowMs,
      sleep: async (milliseconds) => {
        nowMs += milliseconds;
      },
    });
    const faults = Array.from({ length: 20 }, () => busy);
    proxy.inject(shard?.sha256 ?? "", ...faults);
    await expect(loadedHashes({ store, bundle, policy })).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("at byte 0"),
    });
    expect(nowMs).toBeLessThanOrEqual(10_000);
    // Waits of half of 1, 2, 4, 4 … seconds: the seventh would end behind ten seconds.
    expect(20 - proxy.pending()).toBe(7);
    proxy.inject(shard?.sha256 ?? "");
    while (proxy.pending() > 0)
      await store.get(blobKey(shard ?? { sha256: "", bytes: 0 })).catch(() => 0);
  });

  test("nothing unverified reaches the acceptor: stages before the broken one do, it and later ones do not", async () => {
    const broken = inLoadingOrder(bundle.stages)[3];
    const shard = broken?.shards[0];
    const flip: Fault = { kind: "bit-flip", byte: 0 };
    proxy.inject(shard?.sha256 ?? "", flip, flip, flip);
    const accepted: string[] = [];
    const attempt = loadBundle({
      store,
      bundle,
      createHasher: createSha256,
      policy: impatientPolicy(),
      concurrency: 1,
      acceptor: async ({ layout }) => {
        accepted.push(layout.name);
      },
    });
    await expect(attempt).rejects.toMatchObject({ code: "shard_corrupt" });
    expect(accepted).toEqual(
      inLoadingOrder(bundle.stages)
        .slice(0, 3)
        .map(({ name }) => name),
    );
  });

  test("an acceptor's own error ends the load", async () => {
    const fault = new Error("no session");
    const attempt = loadBundle({
      store: memory,
      bundle,
      createHasher: createSha256,
      acceptor: () => Promise.reject(fault),
    });
    await expect(attempt).rejects.toBe(fault);
  });

  test("an abort rejects with its reason even while the acceptor sleeps", async () => {
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const attempt = loadBundle({
      store: memory,
      bundle,
      createHasher: createSha256,
      signal: controller.signal,
      acceptor: () => {
        controller.abort(reason);
        return new Promise(() => {});
      },
    });
    await expect(attempt).rejects.toBe(reason);
  });
});

describe("the manners of a load", () => {
  test("stages are accepted in order, one at a time, and at most three exist at once", async () => {
    const seen: string[] = [];
    const requested = new Set<string>();
    let accepting = 0;
    let mostAhead = 0;
    const watched: ObjectStore = {
      ...memory,
      get: (key, options) => {
        const stage = bundle.stages.findIndex(({ shards }) =>
          shards.some((shard) => blobKey(shard) === key),
        );
        requested.add(String(stage));
        mostAhead = Math.max(mostAhead, requested.size - seen.length);
        return memory.get(key, options);
      },
    };
    await loadBundle({
      store: watched,
      bundle,
      createHasher: createSha256,
      acceptor: async ({ layout }) => {
        accepting += 1;
        expect(accepting).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 10));
        accepting -= 1;
        seen.push(layout.name);
      },
    });
    expect(seen).toEqual(inLoadingOrder(bundle.stages).map(({ name }) => name));
    expect(mostAhead).toBe(3);
  });

  test("several stages are accepted at once where the acceptor can, begun in order, and no more than three exist", async () => {
    const begun: string[] = [];
    let accepting = 0;
    let most = 0;
    await loadBundle({
      store: memory,
      bundle,
      createHasher: createSha256,
      acceptsAtOnce: 2,
      acceptor: async ({ layout }) => {
        begun.push(layout.name);
        accepting += 1;
        most = Math.max(most, accepting);
        await new Promise((resolve) => setTimeout(resolve, layout.name === "embed" ? 30 : 5));
        accepting -= 1;
      },
    });
    expect(begun).toEqual(inLoadingOrder(bundle.stages).map(({ name }) => name));
    expect(most).toBe(2);
  });

  test("a buffer that the acceptor gives back is filled again by a stage of its size", async () => {
    const buffers = new Map<string, Set<ArrayBufferLike>>();
    const hashes: string[] = [];
    await loadBundle({
      store: memory,
      bundle,
      createHasher: createSha256,
      acceptor: async ({ layout, bytes }, giveBack) => {
        hashes.push(`${layout.name} ${createHash("sha256").update(bytes).digest("hex")}`);
        const kind = layout.name.startsWith("layer-") ? "layer" : layout.name;
        buffers.set(kind, (buffers.get(kind) ?? new Set()).add(bytes.buffer));
        giveBack(bytes as Uint8Array<ArrayBuffer>);
      },
      memoryBudgetBytes: Math.max(...bundle.stages.map(({ bytes }) => bytes)),
    });
    expect(hashes).toEqual(right);
    expect(buffers.get("layer")?.size).toBe(1);
    // The head's buffer has another size: it was freed, not kept beside the layers'.
    expect([...(buffers.get("head") ?? [])].map(({ byteLength }) => byteLength)).toEqual([0]);
  });

  test("status counts up to the whole and its last report says so", async () => {
    const reports: LoadStatus[] = [];
    const { status } = await loadedHashes({
      store: memory,
      bundle,
      onStatus: (report) => reports.push(report),
    });
    const done = reports.map(({ doneBytes }) => doneBytes);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(status).toMatchObject({
      doneBytes: totalBytes(),
      totalBytes: totalBytes(),
      etaSeconds: 0,
      stagesDone: bundle.stages.length,
    });
    expect(reports[reports.length - 1]).toMatchObject({ doneBytes: totalBytes() });
  });

  test("a budget too small for the largest stage is refused before anything is fetched", async () => {
    const before = proxy.gets.length;
    await expect(loadedHashes({ store, bundle, memoryBudgetBytes: 1000 })).rejects.toMatchObject({
      code: "memory_budget_too_small",
    });
    expect(proxy.gets).toHaveLength(before);
  });

  test("shards in the cache are not fetched, wrong ones are dropped and fetched, new ones are kept", async () => {
    const [good, bad] = shardsOf();
    const kept = new Map<string, Uint8Array>();
    const cache: ShardCache = {
      has: (shard) => kept.has(shard.sha256),
      async *read(shard) {
        yield kept.get(shard.sha256) ?? new Uint8Array();
      },
      keep: async (shard, bytes) => {
        kept.set(shard.sha256, bytes.slice());
      },
      drop: async (shard) => {
        kept.delete(shard.sha256);
      },
    };
    for (const shard of [good, bad]) {
      if (shard === undefined) throw new Error("the bundle has too few shards");
      const body = await memory.get(blobKey(shard));
      kept.set(shard.sha256, await collect(body.chunks, shard.bytes));
    }
    kept.get(bad?.sha256 ?? "")?.fill(0, 10, 20);
    const mended: string[] = [];
    const first = await loadedHashes({
      store,
      bundle,
      cache,
      onMended: (words) => mended.push(words),
    });
    expect(first.hashes).toEqual(right);
    expect(first.status.receivedBytes).toBe(totalBytes() - (good?.bytes ?? 0));
    expect(mended).toEqual([expect.stringContaining(bad?.sha256 ?? "-")]);
    const second = await loadedHashes({ store, bundle, cache });
    expect(second.hashes).toEqual(right);
    expect(second.status.receivedBytes).toBe(0);
    for (const [name, bytes] of kept) {
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(name);
    }
  });

  test("a cache that cannot keep a shard does not hinder the load", async () => {
    const cache: ShardCache = {
      has: () => false,
      read: () => {
        throw new Error("never asked");
      },
      keep: () => Promise.reject(new Error("disk full")),
      drop: async () => {},
    };
    const mended: string[] = [];
    const { hashes } = await loadedHashes({
      store: memory,
      bundle,
      cache,
      onMended: (words) => mended.push(words),
    });
    expect(hashes).toEqual(right);
    expect(mended).toHaveLength(shardsOf().length);
  });
});
