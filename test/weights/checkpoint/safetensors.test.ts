import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSafetensorsHeader } from "#weights/checkpoint/safetensors.ts";
import { memorySource } from "#weights/source.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { rawSafetensors, safetensorsFile } from "../../support/checkpoint-builder.ts";

const read = (file: Uint8Array): ReturnType<typeof readSafetensorsHeader> =>
  readSafetensorsHeader(memorySource(file), "weights.safetensors");

const entry = (start: number, end: number, dtype = "F32", shape = [(end - start) / 4]): string =>
  JSON.stringify({ dtype, shape, data_offsets: [start, end] });

describe("a safetensors header", () => {
  test("gives every tensor's type, shape and place in the file", async () => {
    const file = safetensorsFile(
      new Map([
        ["a", { shape: [2, 3] }],
        ["b", { shape: [4] }],
      ]),
    );
    const dataStart = file.byteLength - 40;
    expect(await read(file)).toEqual([
      { name: "a", dtype: "F32", shape: [2, 3], offset: dataStart, bytes: 24 },
      { name: "b", dtype: "F32", shape: [4], offset: dataStart + 24, bytes: 16 },
    ]);
  });

  test("may hold scalars and empty tensors", async () => {
    const header = `{"s":${entry(0, 4, "F32", [])},"e":${entry(4, 4, "F32", [0, 5])}}`;
    expect(await read(rawSafetensors(header, new Uint8Array(4)))).toHaveLength(2);
  });

  test.each<[string, Uint8Array, string]>([
    ["no bytes at all", new Uint8Array(), "safetensors_truncated"],
    ["half a length field", new Uint8Array(5), "safetensors_truncated"],
    [
      "a header longer than the file",
      rawSafetensors("{}", new Uint8Array(), 3n),
      "safetensors_truncated",
    ],
    [
      "a header of 2^63 bytes",
      rawSafetensors("{}", new Uint8Array(), 1n << 63n),
      "safetensors_header_too_large",
    ],
    ["text that is not JSON", rawSafetensors("{,}"), "safetensors_bad_json"],
    ["JSON that is no object", rawSafetensors("[1]"), "safetensors_bad_json"],
    [
      "bytes that are not UTF-8",
      Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe),
      "safetensors_bad_json",
    ],
    [
      "a tensor behind the end",
      rawSafetensors(`{"a":${entry(0, 8)}}`, new Uint8Array(4)),
      "safetensors_truncated",
    ],
    [
      "tensors that overlap",
      rawSafetensors(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, new Uint8Array(12)),
      "safetensors_bad_offsets",
    ],
    [
      "offsets that run backwards",
      rawSafetensors(`{"a":${entry(8, 4)}}`, new Uint8Array(8)),
      "safetensors_bad_offsets",
    ],
    [
      "negative offsets",
      rawSafetensors(`{"a":${entry(-4, 0)}}`, new Uint8Array(8)),
      "safetensors_bad_offsets",
    ],
    [
      "a shape that needs more bytes",
      rawSafetensors(`{"a":${entry(0, 4, "F32", [2])}}`, new Uint8Array(4)),
      "safetensors_bad_offsets",
    ],
    [
      "a shape whose product is not exact",
      rawSafetensors(`{"a":${entry(0, 4, "F32", [2 ** 40, 2 ** 40])}}`, new Uint8Array(4)),
      "safetensors_bad_offsets",
    ],
    [
      "a fractional shape",
      rawSafetensors(`{"a":${entry(0, 4, "F32", [0.5, 2])}}`, new Uint8Array(4)),
      "safetensors_bad_offsets",
    ],
    [
      "an unknown type",
      rawSafetensors(`{"a":${entry(0, 4, "F8_E4M3", [4])}}`, new Uint8Array(4)),
      "safetensors_unknown_dtype",
    ],
    [
      "a type named like a method",
      rawSafetensors(`{"a":${entry(0, 4, "toString", [1])}}`, new Uint8Array(4)),
      "safetensors_unknown_dtype",
    ],
    ["a tensor that is a number", rawSafetensors('{"a":7}'), "safetensors_bad_offsets"],
    [
      "the same name twice",
      rawSafetensors(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, new Uint8Array(8)),
      "safetensors_duplicate_name",
    ],
    [
      "the same name twice, once escaped",
      rawSafetensors(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, new Uint8Array(8)),
      "safetensors_duplicate_name",
    ],
  ])("with %s is refused by name", async (_, file, code) => {
    await expect(read(file)).rejects.toMatchObject({ code });
  });

  test("equal keys in different tensors are no repetition", async () => {
    const header = `{"a{":${entry(0, 4)},"a:\\"":${entry(4, 8)}}`;
    expect(await read(rawSafetensors(header, new Uint8Array(8)))).toHaveLength(2);
  });

  test("of random damage is read or refused by name, never anything else", async () => {
    const good = safetensorsFile(
      new Map([
        ["alpha", { shape: [2, 3] }],
        ["beta", { shape: [4] }],
      ]),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(good.byteLength - 41), fc.nat(255), async (at, value) => {
        try {
          await read(good.with(at, value));
        } catch (error) {
          expect(error).toBeInstanceOf(WeightsError);
        }
      }),
    );
  });
});
