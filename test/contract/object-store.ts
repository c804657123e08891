import { describe, expect, test } from "vitest";
import { type ObjectStore, prefixedStore } from "#weights/object-store.ts";
import { collect } from "#weights/source.ts";
import { WeightsError } from "#weights/weights-error.ts";

/** The rules of `ObjectStore`. Each test works under a prefix of its own, so one store may serve all. */
export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  let tests = 0;
  const fresh = async (): Promise<ObjectStore> => {
    tests += 1;
    return prefixedStore(await open(), `contract-${tests}`);
  };
  const content = Uint8Array.from({ length: 150_000 }, (_, index) => (index * 31) & 255);

  describe(`${name} as an object store`, () => {
    test("gives back what was put", async () => {
      const store = await fresh();
      await store.put("a/b", content);
      const body = await store.get("a/b");
      expect(body).toMatchObject({ offset: 0, objectBytes: content.byteLength });
      expect(await collect(body.chunks, content.byteLength)).toEqual(content);
    });

    test("gives a range and says where it lies", async () => {
      const store = await fresh();
      await store.put("a", content);
      const body = await store.get("a", { range: { offset: 1000, bytes: 70_000 } });
      expect(body).toMatchObject({ offset: 1000, objectBytes: content.byteLength });
      expect(await collect(body.chunks, 70_000)).toEqual(content.slice(1000, 71_000));
    });

    test("ends a range that reaches behind the object at the object's end", async () => {
      const store = await fresh();
      await store.put("a", content);
      const body = await store.get("a", { range: { offset: 149_990, bytes: 100 } });
      expect(await collect(body.chunks, 10)).toEqual(content.slice(149_990));
    });

    test("refuses a range that begins behind the object", async () => {
      const store = await fresh();
      await store.put("a", content);
      const beyond = store.get("a", { range: { offset: 150_000, bytes: 1 } });
      expect(await codeOf(beyond)).toBe("store_refused");
    });

    test("tells size and ETag without the content, and undefined for what is not there", async () => {
      const store = await fresh();
      await store.put("a", content);
      const head = await store.head("a");
      expect(head?.bytes).toBe(content.byteLength);
      expect(head?.etag).toBe((await store.get("a")).etag);
      expect(await store.head("b")).toBeUndefined();
    });

    test("names what is not there", async () => {
      const store = await fresh();
      expect(await codeOf(store.get("nothing"))).toBe("not_found");
    });

    test("notices that an object was replaced", async () => {
      const store = await fresh();
      await store.put("a", content);
      const etag = (await store.head("a"))?.etag ?? "";
      await store.put("a", content.slice(1));
      expect(await codeOf(store.get("a", { ifMatch: etag }))).toBe("object_changed");
    });

    test("replaces an object as a whole", async () => {
      const store = await fresh();
      await store.put("a", content);
      await store.put("a", new Uint8Array([1, 2]));
      expect(await collect((await store.get("a")).chunks, 2)).toEqual(new Uint8Array([1, 2]));
    });

    test("stores a stream of many pieces, and an empty one", async () => {
      const store = await fresh();
      const piece = new Uint8Array(3_000_000).map((_, index) => (index * 13) & 255);
      await store.putStream("large", repeat(piece, 6)); // 18 MB: three parts of a multipart upload
      const body = await store.get("large", { range: { offset: 8_999_990, bytes: 20 } });
      const expected = [...piece.slice(-10), ...piece.slice(0, 10)];
      expect([...(await collect(body.chunks, 20))]).toEqual(expected);
      expect((await store.head("large"))?.bytes).toBe(18_000_000);
      await store.putStream("empty", repeat(piece, 0));
      expect((await store.head("empty"))?.bytes).toBe(0);
    });

    test("shows nothing of a stream that broke", async () => {
      const store = await fresh();
      const fault = new Error("the source broke");
      await expect(store.putStream("half", breaking(9_000_000, 2, fault))).rejects.toThrow();
      expect(await store.head("half")).toBeUndefined();
    });

    test("lists keys under a prefix in order", async () => {
      const store = await fresh();
      for (const key of ["x/2", "x/1", "y/1"]) await store.put(key, new Uint8Array(1));
      expect(await Array.fromAsync(store.list("x/"))).toEqual(["x/1", "x/2"]);
      expect(await Array.fromAsync(store.list("z/"))).toEqual([]);
    });

    test("removes, and removing twice is no fault", async () => {
      const store = await fresh();
      await store.put("a", content);
      await store.remove("a");
      await store.remove("a");
      expect(await store.head("a")).toBeUndefined();
    });

    test("rejects with the signal's reason when it is aborted", async () => {
      const store = await fresh();
      const reason = new Error("no longer wanted");
      await expect(store.get("a", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });
  });
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof WeightsError ? error.code : `no WeightsError but ${error}`;
}

async function* repeat(piece: Uint8Array, times: number): AsyncIterable<Uint8Array> {
  for (let count = 0; count < times; count++) yield piece;
}

async function* breaking(bytes: number, times: number, fault: Error): AsyncIterable<Uint8Array> {
  for (let count = 0; count < times; count++) yield new Uint8Array(bytes);
  throw fault;
}
