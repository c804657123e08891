import { describe, expect, test } from "vitest";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { memoryStore } from "#weights/object-store.ts";
import { type ByteSource, collect, memorySource } from "#weights/source.ts";
import { byteSourceContract } from "../contract/byte-source.ts";

byteSourceContract("memory", async (content) => memorySource(content));

byteSourceContract("an object of a store", async (content) => {
  const store = memoryStore();
  await store.put("file", content);
  const source = await storedCheckpoint(store).open("file");
  if (source === undefined) throw new Error("the file that was put is not there");
  return source satisfies ByteSource;
});

describe("collecting a stream", () => {
  async function* threeBytes(): AsyncIterable<Uint8Array> {
    yield new Uint8Array([1, 2]);
    yield new Uint8Array([3]);
  }

  test("joins pieces", async () => {
    expect(await collect(threeBytes(), 3)).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("refuses a stream of another length", async () => {
    await expect(collect(threeBytes(), 2)).rejects.toThrow(RangeError);
    await expect(collect(threeBytes(), 4)).rejects.toThrow(RangeError);
  });
});
