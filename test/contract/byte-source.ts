import { describe, expect, test } from "vitest";
import { type ByteSource, collect } from "#weights/source.ts";

/** The rules of `ByteSource`. `open` makes a source of exactly the given bytes. */
export function byteSourceContract(
  name: string,
  open: (content: Uint8Array) => Promise<ByteSource>,
): void {
  const content = Uint8Array.from(
    { length: 200_000 },
    (_, index) => (index * 7 + index / 256) & 255,
  );

  describe(`${name} as a source of bytes`, () => {
    test("says how long it is", async () => {
      expect((await open(content)).byteLength).toBe(content.byteLength);
    });

    test("slices exactly the range that is asked for", async () => {
      const source = await open(content);
      expect(await source.slice(100_000, 70_001)).toEqual(content.slice(100_000, 170_001));
      expect(await source.slice(content.byteLength, 0)).toHaveLength(0);
    });

    test("streams exactly the range that is asked for", async () => {
      const source = await open(content);
      const streamed = await collect(source.stream(3, 199_990), 199_990);
      expect(streamed).toEqual(content.slice(3, 199_993));
    });

    test("refuses a range that leaves it", async () => {
      const source = await open(content);
      await expect(source.slice(content.byteLength - 1, 2)).rejects.toThrow(RangeError);
      await expect(source.slice(-1, 2)).rejects.toThrow(RangeError);
    });

    test("lets a reader leave in the middle", async () => {
      const source = await open(content);
      for await (const chunk of source.stream(0, content.byteLength)) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      expect(await source.slice(0, 1)).toHaveLength(1);
    });

    test("rejects with the signal's reason when it is aborted", async () => {
      const source = await open(content);
      const reason = new Error("no longer wanted");
      await expect(source.slice(0, 10, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
