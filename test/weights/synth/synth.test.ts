import { describe, expect, test } from "vitest";
import { bundleFormats, stageNames } from "#domain/bundle.ts";
import { createTokenizer } from "#engine/text.ts";
import { createSha256 } from "#inference/sha256.ts";
import { memoryStore } from "#weights/object-store.ts";
import { unpackQ4 } from "#weights/q4.ts";
import { unpackQ8, unpackQ8u } from "#weights/quant.ts";
import { readBlob } from "#weights/read-bundle.ts";
import { loadBundle } from "#weights/stream.ts";
import { SYNTH_SHAPES, synthArchitecture } from "#weights/synth/shapes.ts";
import { type SynthOptions, synthBundle } from "#weights/synth/synth.ts";
import { addedTokens, synthTokenizerFiles } from "#weights/synth/tokenizer.ts";

const options: Omit<SynthOptions, "store"> = {
  name: "noise",
  version: "1",
  shape: "tiny",
  format: "q4",
  seed: 1,
  createHasher: createSha256,
};

describe("a synthetic bundle", () => {
  test("is the same for the same seed and another for another", async () => {
    const first = await synthBundle({ ...options, store: memoryStore() });
    expect((await synthBundle({ ...options, store: memoryStore() })).digest).toBe(first.digest);
    const other = await synthBundle({ ...options, seed: 2, store: memoryStore() });
    expect(other.digest).not.toBe(first.digest);
  });

  test.each(bundleFormats)(
    "in %s loads like any other, with finite numbers of a sane size",
    async (format) => {
      const store = memoryStore();
      const { bundle } = await synthBundle({ ...options, format, store });
      const names: string[] = [];
      await loadBundle({
        store,
        bundle,
        createHasher: createSha256,
        acceptor: async ({ layout, bytes }) => {
          names.push(layout.name);
          for (const { encoding, data, scales, shape } of layout.tensors) {
            const part = (range = data): ArrayBuffer =>
              bytes.slice(range.offset, range.offset + range.bytes).buffer;
            const columns = shape[shape.length - 1] ?? 1;
            const values =
              encoding === "q4"
                ? unpackQ4(
                    { data: new Uint8Array(part()), scales: new Float16Array(part(scales)) },
                    columns,
                    32,
                  )
                : encoding === "q8"
                  ? unpackQ8(
                      { data: new Int8Array(part()), scales: new Float16Array(part(scales)) },
                      columns,
                    )
                  : encoding === "q8u"
                    ? unpackQ8u(
                        { data: new Uint8Array(part()), scales: new Float16Array(part(scales)) },
                        columns,
                      )
                    : encoding.startsWith("f16")
                      ? new Float16Array(part())
                      : encoding === "w8" || encoding === "w7"
                        ? new Float32Array(part(scales))
                        : new Float32Array(part());
            expect(values.every((value: number) => Math.abs(value) <= 1)).toBe(true);
          }
        },
      });
      expect(names.toSorted()).toEqual(stageNames(bundle.architecture).toSorted());
    },
  );

  test.each(SYNTH_SHAPES)("of shape %s has special ids inside its columns", (shape) => {
    const { special, logitsColumns, language } = synthArchitecture(shape);
    expect(logitsColumns).toBeLessThanOrEqual(language.vocabSize);
    for (const id of Object.values(special)) expect(id).toBeLessThan(logitsColumns);
  });

  test("of the real shape has the real special ids", () => {
    expect(synthArchitecture("llada-v-8b")).toMatchObject({
      special: { beginOfText: 126_080, endOfText: 126_081, mask: 126_336, endOfTurn: 126_348 },
      logitsColumns: 126_349,
    });
  });
});

describe("the synthetic tokenizer", () => {
  const text = (name: string, vocabSize = 1024): string =>
    new TextDecoder().decode(synthTokenizerFiles(vocabSize).get(name));
  const tokenizer = createTokenizer(text("tokenizer.json"), text("tokenizer_config.json"));

  test("encodes any text, one token a byte, and decodes it back", () => {
    for (const sample of ["what is this?", "Zwölf Boxkämpfer\n\n日本 🐈‍⬛", " \t\u0000\u007f"]) {
      const ids = tokenizer.encode(sample);
      expect(ids).toHaveLength(new TextEncoder().encode(sample).length);
      expect(tokenizer.decode(ids)).toBe(sample);
    }
  });

  test("numbers bytes as GPT-2 does", () => {
    expect(tokenizer.encode("!~ ")).toEqual([0, 93, 220]); // the space stands behind the 188 printable ones and 32 others
  });

  test("knows LLaDA's 269 added tokens, which a text may spell", () => {
    expect(addedTokens()).toHaveLength(269);
    expect(new Set(addedTokens()).size).toBe(269);
    expect(tokenizer.encode("a<|mdm_mask|>b")).toEqual([64, 896, 65]);
    expect(tokenizer.size).toBe(1024 - 384 + 269);
  });

  test("decodes every id below its size", () => {
    const ids = Array.from({ length: tokenizer.size }, (_, id) => id);
    expect(() => ids.map((id) => tokenizer.decode([id], true))).not.toThrow();
  });

  test("its files come with the bundle, verified", async () => {
    const store = memoryStore();
    const { bundle } = await synthBundle({ ...options, store });
    const blob = bundle.files["tokenizer.json"];
    if (blob === undefined) throw new Error("the bundle has no tokenizer");
    expect(new TextDecoder().decode(await readBlob(store, blob))).toBe(text("tokenizer.json"));
  });
});
