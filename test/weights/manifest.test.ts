import fc from "fast-check";
import { beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import type * as z from "zod";
import type { SpecialTokens } from "#domain/architecture.ts";
import type { Bundle } from "#domain/bundle.ts";
import type { ReadCard } from "#domain/read-style.ts";
import type { Trust } from "#domain/trust.ts";
import { smallTower } from "#engine/self-test/self-test-tower.ts";
import { createSha256 } from "#inference/sha256.ts";
import { draftStages } from "#weights/layout.ts";
import {
  type bundleSchema,
  canonicalJson,
  latestKey,
  manifestKey,
  parseLatest,
  parseManifest,
} from "#weights/manifest.ts";
import { memoryStore } from "#weights/object-store.ts";
import { readBlob, readManifest } from "#weights/read-bundle.ts";
import { synthBundle } from "#weights/synth/synth.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { tinyBundle } from "../support/bundles.ts";
import { convArchitecture } from "../support/conv-tower.ts";

let bundle: Bundle;
beforeAll(async () => {
  ({ bundle } = await tinyBundle());
});

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Parses a manifest after a change to a copy of a good one, and returns the complaint. */
function complaint(change: (draft: Draft) => void): string {
  const draft = structuredClone(bundle) as Draft;
  change(draft);
  try {
    parseManifest(encode(draft), "manifest");
  } catch (error) {
    if (error instanceof WeightsError && error.code === "manifest_invalid") return error.message;
    throw error;
  }
  return "no complaint";
}

type Draft = Mutable<Bundle> & Record<string, unknown>;
type Mutable<Value> = Value extends object
  ? { -readonly [Key in keyof Value]: Mutable<Value[Key]> }
  : Value;

const scoreOfTwo = {
  statistics: [{ reduce: [{ over: "positions", by: "mean" }] }],
  ...{ mean: [0, 1], deviation: [1, 2], weight: [3, -1], limit: 5, bias: 0, threshold: 1 },
};

describe("a manifest", () => {
  test("parses to exactly the domain's Bundle", () => {
    expectTypeOf<z.output<typeof bundleSchema>>().toEqualTypeOf<Bundle>();
    expect(parseManifest(encode(bundle), "manifest")).toEqual(bundle);
  });

  test("may have a tower of convolutions, whose numbers must go together", () => {
    const stages = draftStages(convArchitecture, "w8a8").map((draft) => ({
      ...draft,
      shards: [{ sha256: "ab".repeat(32), bytes: draft.bytes }],
    }));
    const told = { ...bundle, architecture: convArchitecture, stages };
    expect(parseManifest(encode(told), "manifest")).toEqual(told);
    const changed =
      (change: object, image = convArchitecture.image) =>
      () =>
        parseManifest(
          encode({
            ...told,
            architecture: { ...convArchitecture, image, vision: { ...smallTower, ...change } },
          }),
          "manifest",
        );
    expect(changed({ tap: { block: 9, unshuffle: 2 } })).toThrow(/no block 9 to tap/);
    expect(changed({ levels: { mean: 127, deviation: 0 } })).toThrow(WeightsError);
    expect(changed({ headChannels: 12 })).toThrow(/trunk.head.weight has shape/);
    const tiled = { aspect: "anyres", gridPinpoints: [[12, 12]], maxTiles: 1 } as const;
    expect(changed({}, tiled)).toThrow(/sees one view/);
  });

  test("with rules of decoding keeps them, and without is read all the same", () => {
    const { decoding: _, ...architecture } = bundle.architecture;
    expect(parseManifest(encode({ ...bundle, architecture }), "manifest").architecture).toEqual(
      architecture,
    );
    const told = { ...architecture, decoding: { suppressed: [1, 2], blockLength: 32 } };
    expect(
      parseManifest(encode({ ...bundle, architecture: told }), "manifest").architecture,
    ).toEqual(told);
  });

  test("of q4 weights names their block where it is not 32; no other size, and no other encoding has one", async () => {
    const stored = await synthBundle({
      ...{ store: memoryStore(), name: "b", version: "1", shape: "tiny", format: "q4", block: 64 },
      ...{ seed: 1, createHasher: createSha256 },
    });
    expect(parseManifest(encode(stored.bundle), "manifest")).toEqual(stored.bundle);
    const blocks = stored.bundle.stages.flatMap(({ tensors }) => tensors.map(({ block }) => block));
    expect(new Set(blocks)).toEqual(new Set([undefined, 64]));
    const first = (draft: Draft, encoding: string) =>
      draft.stages.flatMap(({ tensors }) => tensors).find((entry) => entry.encoding === encoding);
    const put = (encoding: string, block: number) =>
      complaint((draft) => Object.assign(first(draft, encoding) ?? {}, { block }));
    expect(put("q4", 48)).toMatch(/block/);
    expect(put("q4", 64)).toMatch(/does not have the bytes of q4/);
    expect(put("q8", 32)).toMatch(/is q8, which has no block of its own/);
    expect(put("q4", 32)).toBe("no complaint");
  });

  test("says how far its model can be trusted, or nothing of it", () => {
    const trust: Trust = {
      domain: {
        ...{ description: "Pictures of dogs.", things: ["a dog"] },
        score: {
          statistics: [
            {
              ...{ positions: [0, 49], channels: [0, 2], log: 0.001 },
              reduce: [{ over: "positions", by: "best", count: 4 }],
            },
          ],
          ...{ mean: [0, 1], deviation: [1, 2], weight: [3, -1], limit: 5, bias: 0, threshold: 1 },
        },
      },
      calibration: { temperature: 1.5, shift: -0.25, domain: { weight: 0.5, limit: 8 } },
      abstention: { sentences: ["I am not sure."], below: 0.5 },
    };
    expect(parseManifest(encode({ ...bundle, ...trust }), "manifest")).toEqual({
      ...bundle,
      ...trust,
    });
  });

  test.each<[string, object]>([
    ["not the same length", { score: { ...scoreOfTwo, weight: [1] } }],
    ["deviation", { score: { ...scoreOfTwo, deviation: [1, 0] } }],
    ["is empty", { score: { ...scoreOfTwo, statistics: [{ channels: [2, 2], reduce: [] }] } }],
    ["statistics", { score: { ...scoreOfTwo, statistics: [{ reduce: [{ by: "median" }] }] } }],
    ["description", { description: "" }],
    ["control characters", { description: "Dogs\u001b[2J" }],
    ["control characters", { things: ["a dog\u202e"] }],
    ["things", { things: [] }],
  ])("whose domain cannot be read is refused with what is wrong: %s", (what, change) => {
    expect(
      complaint((draft) => {
        Object.assign(draft, { domain: { description: "Dogs.", ...change } });
      }),
    ).toContain(what);
  });

  const halves = { columns: 2, rows: 1, cells: ["left", "right"], question: "Where is {object}?" };

  test("says how values are read off pictures, or nothing of it", () => {
    const read: ReadCard = {
      style: { style: "sentence", yes: "Yes.", no: "No.", numbers: ["None"] },
      ...{ filler: 5, neutral: true, temperatures: { boolean: 1.5, choice: 0.8 } },
      places: { columns: 2, rows: 1, cells: ["left", "right"], question: "Where is the {object}?" },
    };
    for (const said of [read, { style: { style: "lines" }, filler: 0 } as const])
      expect(parseManifest(encode({ ...bundle, read: said }), "manifest").read).toEqual(said);
    expect("read" in parseManifest(encode(bundle), "manifest")).toBe(false);
  });

  test.each<[string, (special: SpecialTokens) => object]>([
    ["style", () => ({ style: { style: "json" } })],
    ["read.style.no", () => ({ style: { style: "sentence", yes: "Yes." } })],
    ["control characters", () => ({ style: { style: "sentence", yes: "Yes.\n", no: "No." } })],
    ["numbers", () => ({ style: { style: "sentence", yes: "Yes.", no: "No.", numbers: [] } })],
    ["temperatures.boolean", () => ({ temperatures: { boolean: 0 } })],
    ["temperatures.boolean", () => ({ temperatures: { boolean: 1e9 } })],
    ["temperatures", () => ({ temperatures: { colour: 1 } })],
    ["has a name for each cell", () => ({ places: { ...halves, rows: 2 } })],
    ["has one name twice", () => ({ places: { ...halves, cells: ["left", "left"] } })],
    ["places.question", () => ({ places: { ...halves, question: "Where is it?" } })],
    ["places.columns", () => ({ places: { ...halves, columns: 16 } })],
    ["read.filler", () => ({ filler: -1 })],
    ["filler 100000 is no column", () => ({ filler: 100_000 })],
    ["a token that the model may never write", ({ mask }) => ({ filler: mask })],
    ["a token that the model may never write", ({ startHeader }) => ({ filler: startHeader })],
  ])("whose reading cannot be is refused with what is wrong: %s", (what, changeOf) => {
    const change = changeOf(bundle.architecture.special);
    const read = { style: { style: "lines" }, filler: 0, ...change };
    expect(complaint((draft) => Object.assign(draft, { read }))).toContain(what);
  });

  test("says what its model was trained for, or nothing of it", () => {
    const canvas = { standard: 16, recommended: 32, limit: 64 };
    const abilities = { canvas, systemMessages: false, severalPictures: false, severalTurns: true };
    expect(parseManifest(encode({ ...bundle, abilities }), "manifest").abilities).toEqual(
      abilities,
    );
    expect(bundle.abilities).toBeUndefined();
    for (const wrong of [
      { ...canvas, standard: 33 },
      { ...canvas, limit: 31 },
    ])
      expect(
        complaint((draft) => Object.assign(draft, { abilities: { ...abilities, canvas: wrong } })),
      ).toMatch(/each must be as long as the one before/);
  });

  test.each<[string, (draft: Draft) => void, RegExp]>([
    ["another format version", (d) => Object.assign(d, { formatVersion: 2 }), /formatVersion/],
    ["an unknown field", (d) => Object.assign(d, { more: 1 }), /more/],
    ["a name that leads out of its folder", (d) => Object.assign(d, { name: "../x" }), /name/],
    ["a billion layers", (d) => Object.assign(d.architecture.language, { layers: 1e9 }), /layers/],
    [
      "a negative width",
      (d) => Object.assign(d.architecture.language, { hiddenSize: -1 }),
      /hiddenSize/,
    ],
    ["a stage of 100 GB", (d) => Object.assign(d.stages[0] ?? {}, { bytes: 1e11 }), /bytes/],
    [
      "a shard of 100 MB",
      (d) => Object.assign(d.stages[0]?.shards[0] ?? {}, { bytes: 1e8 }),
      /bytes/,
    ],
    [
      "a shard without bytes",
      (d) => Object.assign(d.stages[0]?.shards[0] ?? {}, { bytes: 0 }),
      /bytes/,
    ],
    [
      "a hash that is a path",
      (d) => Object.assign(d.stages[0]?.shards[0] ?? {}, { sha256: "../../etc" }),
      /sha256/,
    ],
    ["shards that do not add up", (d) => d.stages[0]?.shards.pop(), /its shards/],
    ["a missing stage", (d) => d.stages.pop(), /stages are/],
    ["stages in another order", (d) => d.stages.reverse(), /stages are/],
    ["a missing tensor", (d) => d.stages[0]?.tensors.pop(), /exactly the tensors/],
    [
      "another shape",
      (d) => Object.assign(d.stages[3]?.tensors[1] ?? {}, { shape: [64, 32] }),
      /has shape/,
    ],
    [
      "an encoding whose bytes do not fit",
      (d) => Object.assign(d.stages[3]?.tensors[1] ?? {}, { encoding: "f32t" }),
      /bytes of f32t/,
    ],
    [
      "an offset off the grid",
      (d) => Object.assign(d.stages[3]?.tensors[1]?.data ?? {}, { offset: 65 }),
      /offset/,
    ],
    [
      "tensors that overlap",
      (d) => Object.assign(d.stages[3]?.tensors[1]?.data ?? {}, { offset: 0 }),
      /overlaps/,
    ],
    [
      "tensors behind the stage",
      (d) => Object.assign(d.stages[2]?.tensors[0]?.scales ?? {}, { offset: 64 * 100_000 }),
      /beyond/,
    ],
    [
      "special ids outside the vocabulary",
      (d) => Object.assign(d.architecture.special, { mask: 500_000 }),
      /special/,
    ],
    [
      "a suppressed id outside the vocabulary",
      (d) => Object.assign(d.architecture, { decoding: { suppressed: [4000] } }),
      /4000/,
    ],
    [
      "blocks of no position",
      (d) => Object.assign(d.architecture, { decoding: { suppressed: [], blockLength: 0 } }),
      /blockLength/,
    ],
    [
      "more columns than rows",
      (d) => Object.assign(d.architecture, { logitsColumns: 2000 }),
      /columns/,
    ],
    [
      "a tower without image policy",
      (d) => Reflect.deleteProperty(d.architecture, "image"),
      /together/,
    ],
    [
      "heads that do not divide",
      (d) => Object.assign(d.architecture.language, { keyValueHeads: 3 }),
      /divide/,
    ],
    [
      "a hundred files",
      (d) =>
        Object.assign(
          d.files,
          Object.fromEntries(
            Array.from({ length: 100 }, (_, i) => [`f${i}`, d.files["tokenizer.json"]]),
          ),
        ),
      /files/,
    ],
  ])("is refused for %s", (_, change, words) => {
    expect(complaint(change)).toMatch(words);
  });

  test("is refused when it is not JSON or not an object", () => {
    for (const text of ["", "{", "[]", "null", "\u0000", '{"formatVersion":1}']) {
      expect(() => parseManifest(new TextEncoder().encode(text), "m")).toThrow(WeightsError);
    }
    expect(() => parseManifest(new Uint8Array([0xff, 0xfe]), "m")).toThrow(/not JSON/);
  });

  test("random damage to its text is refused by name or changes nothing that is not there", () => {
    const text = JSON.stringify(bundle);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom("0", "9", '"', "{", "}", "-", "e"),
        (at, character) => {
          const damaged = text.slice(0, at) + character + text.slice(at + 1);
          try {
            parseManifest(new TextEncoder().encode(damaged), "m");
          } catch (error) {
            expect(error).toMatchObject({ code: "manifest_invalid" });
          }
        },
      ),
    );
  });
});

describe("canonical JSON", () => {
  test("is the same whatever the order in which a value was built", () => {
    expect(canonicalJson({ b: [1, { d: 1, c: 2 }], a: "ä" })).toBe(
      '{"a":"ä","b":[1,{"c":2,"d":1}]}',
    );
  });

  test("parses back to the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("reading a manifest from a store", () => {
  test("follows latest.json and returns the digest of the bytes", async () => {
    const { store, digest } = await tinyBundle();
    expect(await readManifest(store, "tiny")).toEqual({ bundle, digest });
    expect(await readManifest(store, "tiny", "1")).toEqual({ bundle, digest });
  });

  test("names a model or version that is not there", async () => {
    const { store } = await tinyBundle();
    await expect(readManifest(store, "other")).rejects.toMatchObject({ code: "not_found" });
    await expect(readManifest(store, "tiny", "2")).rejects.toMatchObject({ code: "not_found" });
  });

  test("refuses a manifest that is not the one latest.json promises", async () => {
    const { store } = await tinyBundle();
    await store.put(manifestKey("tiny", "1"), encode(bundle));
    const wrong = { version: "1", digest: "0".repeat(64) };
    await store.put(latestKey("tiny"), encode(wrong));
    await expect(readManifest(store, "tiny")).rejects.toThrow(/promises 0000/);
  });

  test("refuses the manifest of another model", async () => {
    const { store } = await tinyBundle();
    await store.put(manifestKey("other", "1"), encode(bundle));
    await expect(readManifest(store, "other", "1")).rejects.toThrow(/is that of tiny 1/);
  });

  test("refuses a manifest larger than the limit without reading it", async () => {
    const store = memoryStore();
    await store.put(manifestKey("big", "1"), new Uint8Array(5 * 1024 * 1024));
    await expect(readManifest(store, "big", "1")).rejects.toThrow(/allowed are/);
  });

  test("refuses a latest.json of another form", () => {
    expect(() => parseLatest(encode({ version: "../1", digest: "x" }), "latest")).toThrow(
      WeightsError,
    );
  });

  test("files are verified", async () => {
    const { store } = await tinyBundle();
    const blob = bundle.files["tokenizer.json"];
    if (blob === undefined) throw new Error("the bundle has no tokenizer");
    const bytes = await readBlob(store, blob);
    expect(bytes.byteLength).toBe(blob.bytes);
    await store.put(`blobs/sha256/${blob.sha256}`, bytes.with(3, 0));
    await expect(readBlob(store, blob)).rejects.toMatchObject({ code: "shard_corrupt" });
  });
});
