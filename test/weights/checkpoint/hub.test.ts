import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSha256 } from "#inference/sha256.ts";
import { openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { httpCheckpoint } from "#weights/checkpoint/http-checkpoint.ts";
import { memoryStore } from "#weights/object-store.ts";
import type { RetryPolicy } from "#weights/retries.ts";
import { impatientPolicy } from "../../support/bundles.ts";
import { safetensorsFile, TINY_CONFIG, tensorsOf } from "../../support/checkpoint-builder.ts";
import { type Hub, startHub } from "../../support/hub.ts";

const weights = safetensorsFile(tensorsOf(TINY_CONFIG));
const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const files = { "config.json": encode(TINY_CONFIG), "model.safetensors": weights };

let hub: Hub;
beforeEach(async () => {
  hub = await startHub(files);
});
afterEach(() => hub.close());

/** A policy that notes its waits in place of waiting; its clock goes by what it was asked to wait. */
function noting(overrides: Partial<RetryPolicy> = {}): RetryPolicy & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    ...impatientPolicy({ stallMs: 30_000 }),
    now: () => waits.reduce((sum, wait) => sum + wait, 0),
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
    },
    ...overrides,
    waits,
  };
}

async function convertFrom(origin: string, policy = noting()): Promise<string> {
  const { digest } = await convertCheckpoint({
    checkpoint: httpCheckpoint(origin, { policy }),
    store: memoryStore(),
    name: "m",
    version: "1",
    form: { format: "q4" },
    idsOnly: true,
    createHasher: createSha256,
  });
  return digest;
}

describe("a hub that counts requests", () => {
  test("is left alone for as long as it asks, from the first request on", async () => {
    const policy = noting();
    hub.failAt(0, { status: 429, headers: { "retry-after": "7" } });
    const checkpoint = await openCheckpoint(httpCheckpoint(hub.origin, { policy }), {
      idsOnly: true,
    });
    expect(checkpoint.tensor("embed", "weight").shape).toEqual([1024, 64]);
    expect(policy.waits).toEqual([7000]);
  });

  test("may say when by its own clock", async () => {
    const policy = noting();
    hub.failAt(0, {
      status: 503,
      headers: {
        date: "Sun, 06 Nov 1994 08:49:37 GMT",
        "retry-after": "Sun, 06 Nov 1994 08:51:37 GMT",
      },
    });
    await httpCheckpoint(hub.origin, { policy }).open("config.json");
    expect(policy.waits).toEqual([120_000]);
  });

  test("may refuse any one request of a conversion: the bundle is the same", async () => {
    const whole = await convertFrom(hub.origin);
    const requests = hub.asked.length;
    expect(requests).toBeGreaterThan(5);
    // All by which a checkpoint is opened, and every eleventh of those by which its tensors are read.
    const numbers = Array.from({ length: requests }, (_, number) => number);
    for (const number of numbers.filter((number) => number < 8 || number % 11 === 0)) {
      const policy = noting();
      hub.failAt(hub.asked.length + number, { status: 429, headers: { "retry-after": "60" } });
      expect(await convertFrom(hub.origin, policy)).toBe(whole);
      expect(policy.waits).toEqual([60_000]);
    }
  });

  test("is not waited for without end", async () => {
    const policy = noting({ maxAskedWaitMs: 900_000 });
    for (let number = 0; number < 10; number++)
      hub.failAt(number, { status: 429, headers: { "retry-after": "300" } });
    await expect(httpCheckpoint(hub.origin, { policy }).open("config.json")).rejects.toMatchObject({
      code: "store_unavailable",
      message: `${hub.origin}/config.json answered 429`,
    });
    expect(policy.waits).toEqual([300_000, 300_000, 300_000]);
  });

  test.each(["soon", "-1", "1e9"])(
    "that asks for %j is tried again as one that says nothing",
    async (text) => {
      const policy = noting();
      hub.failAt(0, { status: 429, headers: { "retry-after": text } });
      await httpCheckpoint(hub.origin, { policy }).open("config.json");
      expect(policy.waits).toHaveLength(1);
      expect(policy.waits[0]).toBeLessThan(10);
    },
  );

  test("tells who waits, and why", async () => {
    const told: string[] = [];
    hub.failAt(0, { status: 429, headers: { "retry-after": "7" } });
    await httpCheckpoint(hub.origin, {
      policy: noting(),
      onRetry: ({ message }, waitMs) => told.push(`${message}: ${waitMs}`),
    }).open("config.json");
    expect(told).toEqual([`${hub.origin}/config.json answered 429: 7000`]);
  });
});

describe("a hub that sends on to signed addresses", () => {
  test("is asked again where an address has expired, at whichever request", async () => {
    const whole = await convertFrom(hub.origin);
    hub.expireNext(2);
    expect(await convertFrom(hub.origin)).toBe(whole);
    const source = await httpCheckpoint(hub.origin).open("model.safetensors");
    hub.expireNext(1);
    expect(await source?.slice(100, 5000)).toEqual(weights.slice(100, 5100));
  });

  test("whose fresh addresses are refused, too, is a refusal that keeps the signature to itself", async () => {
    hub.expireNext(100);
    const opening = httpCheckpoint(hub.origin, { policy: noting() }).open("config.json");
    await expect(opening).rejects.toMatchObject({
      code: "access_denied",
      message: expect.stringMatching(/^\S+\/config\.json answered 403 from 127\.0\.0\.1:\d+$/),
    });
    expect(hub.asked).toHaveLength(3);
  });

  test("is asked once where it refuses itself", async () => {
    hub.failAt(0, { status: 403 });
    await expect(
      httpCheckpoint(hub.origin, { policy: noting() }).open("config.json"),
    ).rejects.toMatchObject({ code: "access_denied" });
    expect(hub.asked).toHaveLength(1);
  });
});

describe("what lies there in place of a file", () => {
  const pointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 4977222960\n";

  test.each([
    ["config.json", { idsOnly: true }],
    ["model.safetensors", { idsOnly: true }],
    ["model.safetensors.index.json", { idsOnly: true }],
    ["tokenizer.json", {}],
  ])("a Git LFS pointer for %s is called one", async (name, options) => {
    const cloned = await startHub({ ...files, [name]: encode(pointer) });
    const opening = openCheckpoint(httpCheckpoint(cloned.origin, { policy: noting() }), options);
    await expect(opening).rejects.toMatchObject({
      code: "checkpoint_lfs_pointer",
      message: expect.stringMatching(
        /is a Git LFS pointer in place of the file itself, which has 4977222960 bytes$/,
      ),
    });
    await cloned.close();
  });

  test("a shard that was cut short is called truncated", async () => {
    const cut = await startHub({ ...files, "model.safetensors": weights.subarray(0, 9000) });
    const opening = openCheckpoint(httpCheckpoint(cut.origin, { policy: noting() }), {
      idsOnly: true,
    });
    await expect(opening).rejects.toMatchObject({ code: "safetensors_truncated" });
    await cut.close();
  });

  test("a page for people is called one, with where the files are", async () => {
    hub.failAt(0, {
      status: 200,
      headers: { "content-type": "text/html; charset=utf-8" },
      body: "<!doctype html>",
    });
    await expect(
      httpCheckpoint(hub.origin, { policy: noting() }).open("config.json"),
    ).rejects.toMatchObject({
      code: "store_refused",
      message: expect.stringContaining("resolve/REVISION"),
    });
  });
});
