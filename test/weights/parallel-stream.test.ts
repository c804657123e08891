import { describe, expect, test } from "vitest";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { memoryStore, type ObjectStore } from "#weights/object-store.ts";
import { collect } from "#weights/source.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { byteSourceContract } from "../contract/byte-source.ts";
import { impatientPolicy } from "../support/bundles.ts";

const policy = impatientPolicy({});
const content = Uint8Array.from(
  { length: 100_000 },
  (_, index) => (index * 13 + index / 256) & 255,
);

async function sourceOf(store: ObjectStore, connections = 4) {
  const folder = storedCheckpoint(store, { policy, connections, partBytes: 1000 });
  const source = await folder.open("file");
  if (source === undefined) throw new Error("the file that was written is not there");
  return source;
}

async function storeWith(overrides: Partial<ObjectStore> = {}): Promise<ObjectStore> {
  const store = memoryStore();
  await store.put("file", content);
  return { ...store, ...overrides };
}

byteSourceContract("an object over several connections", async (bytes) => {
  const store = memoryStore();
  await store.put("file", bytes);
  return sourceOf(store);
});

describe("a range read over several connections", () => {
  test("keeps no more of them open than are allowed, and as many", async () => {
    const store = await storeWith();
    let open = 0;
    let most = 0;
    const counted = await sourceOf({
      ...store,
      async get(key, options) {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        const body = await store.get(key, options);
        async function* chunks() {
          try {
            yield* body.chunks;
          } finally {
            open -= 1;
          }
        }
        return { ...body, chunks: chunks() };
      },
    });
    counted.announce?.(50_000, 40_000);
    expect(await counted.slice(0, 50_000)).toEqual(content.slice(0, 50_000));
    expect(await counted.slice(50_000, 40_000)).toEqual(content.slice(50_000, 90_000));
    expect(most).toBe(4);
  });

  test("comes in order, whichever part is late and whichever breaks", async () => {
    const store = await storeWith();
    let calls = 0;
    const source = await sourceOf({
      ...store,
      async get(key, options) {
        calls += 1;
        if (calls % 3 === 0) throw new WeightsError("store_unavailable", "503");
        for (let turn = 0; turn < (calls * 7) % 5; turn++) await Promise.resolve();
        return store.get(key, options);
      },
    });
    expect(await source.slice(123, 77_777)).toEqual(content.slice(123, 77_900));
  });

  test("ends with the fault that trying again does not mend", async () => {
    const store = await storeWith();
    const source = await sourceOf({
      ...store,
      async get(key, options) {
        if ((options?.range?.offset ?? 0) >= 20_000)
          throw new WeightsError("object_changed", "another");
        return store.get(key, options);
      },
    });
    await expect(source.slice(0, 50_000)).rejects.toMatchObject({ code: "object_changed" });
    expect(await source.slice(0, 5000)).toEqual(content.slice(0, 5000));
  });

  test("that is announced is fetched before it is asked for, and once", async () => {
    const store = await storeWith();
    const asked: number[] = [];
    const source = await sourceOf({
      ...store,
      get(key, options) {
        asked.push(options?.range?.offset ?? 0);
        return store.get(key, options);
      },
    });
    source.announce?.(10_000, 3000);
    await expect.poll(() => asked).toEqual([10_000, 11_000, 12_000]);
    expect(await collect(source.stream(10_000, 3000), 3000)).toEqual(content.slice(10_000, 13_000));
    expect(asked).toHaveLength(3);
    // Asked for once more it is fetched once more; one that nobody asked for is let go.
    for (const offset of [0, 20_000, 30_000]) source.announce?.(offset, 1000);
    for (const offset of [0, 20_000, 30_000])
      expect(await source.slice(offset, 1000)).toEqual(content.slice(offset, offset + 1000));
    expect(asked.filter((offset) => offset === 20_000)).toHaveLength(1);
    expect(asked.filter((offset) => offset === 30_000)).toHaveLength(1);
  });

  test("from a server that gives files only whole is refused where that costs too much", async () => {
    const huge = 300 * 1024 * 1024;
    const whole: ObjectStore = {
      ...(await storeWith()),
      head: async () => ({ bytes: huge + 10, etag: '"1"' }),
      get: async () => ({
        objectBytes: huge + 10,
        etag: '"1"',
        offset: 0,
        chunks: (async function* () {
          yield new Uint8Array(1);
        })(),
      }),
    };
    const source = await sourceOf(whole);
    await expect(source.slice(huge, 10)).rejects.toMatchObject({
      code: "store_refused",
      message: expect.stringMatching(/only as a whole/),
    });
  });
});
