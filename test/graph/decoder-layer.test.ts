import { describe, expect, test } from "vitest";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { floats } from "#engine/engine-parts.ts";
import type { Session } from "#engine/runtime/runtime.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { settleProfile } from "#engine/self-test/self-test.ts";
import { decoderLayerGraph, type Queries } from "#graph/decoder-layer.ts";
import { type OpProfile, opProfiles } from "#graph/profile.ts";
import { rotationTables } from "#graph/rotary.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { countNodes, externalRanges, readModel, signature } from "../support/onnx.ts";
import { oddArchitecture, randomModel } from "../support/random-model.ts";

const { language } = oddArchitecture;
const { hiddenSize, keyValueHeads, headSize } = language;

describe("decoderLayerGraph", () => {
  test("has the signature that an engine relies on", () => {
    const { layout } = randomModel().stage("layer-00");
    const model = readModel(decoderLayerGraph(language, layout, opProfiles.cpu));
    expect(signature(model, "input").toSorted()).toEqual([
      "contextKeys [B, 2, C, 18]",
      "contextValues [B, 2, C, 18]",
      "cosines [1, M, 9]",
      "hidden [B, M, 72]",
      "mask [maskBatch, 1, 1, S]",
      "sines [1, M, 9]",
    ]);
    expect(signature(model, "output").toSorted()).toEqual([
      "hiddenOut [B, M, 72]",
      "keys [B, 2, M, 18]",
      "values [B, 2, M, 18]",
    ]);
  });

  test("asks for the angles of those positions that go on, where not all do", () => {
    const { layout } = randomModel().stage("layer-01");
    const model = readModel(decoderLayerGraph(language, layout, opProfiles.cpu, "last"));
    expect(signature(model, "input")).toEqual(
      expect.arrayContaining(["queryCosines [1, Q, 9]", "querySines [1, Q, 9]"]),
    );
    expect(signature(model, "output")).toEqual(
      expect.arrayContaining(["hiddenOut [B, Q, 72]", "keys [B, 2, M, 18]"]),
    );
  });

  test.each(["f32t", "f16t", "w8", "w7", "q4"] as const)(
    "takes every byte range of a %s stage exactly once",
    (encoding) => {
      const { layout } = randomModel(encoding).stage("layer-00");
      const model = readModel(decoderLayerGraph(language, layout, opProfiles.cpu));
      const ranges = layout.tensors
        .flatMap(({ data, scales }) => (scales === undefined ? [data] : [data, scales]))
        .toSorted((a, b) => a.offset - b.offset);
      expect(externalRanges(model)).toEqual(ranges);
    },
  );

  test("only the profile decides in which form int8 weights are multiplied", () => {
    const { layout } = randomModel("w8").stage("layer-00");
    const flips = (int8Weights: OpProfile["int8Weights"]): number =>
      countNodes(
        readModel(decoderLayerGraph(language, layout, { ...opProfiles.cpu, int8Weights })),
        "BitwiseXor",
      );
    expect(flips("signed")).toBe(0);
    expect(flips("unsigned")).toBe(7);
  });

  test("weights of w7 are signed everywhere: they cannot saturate", () => {
    const { layout } = randomModel("w7").stage("layer-00");
    const profile: OpProfile = { ...opProfiles.cpu, int8Weights: "unsigned" };
    expect(countNodes(readModel(decoderLayerGraph(language, layout, profile)), "BitwiseXor")).toBe(
      0,
    );
  });

  test("a block that the provider does not take is refused by name, with what it takes", () => {
    const { layout } = randomModel("q4").stage("layer-00");
    const tensors = layout.tensors.map((entry) =>
      entry.encoding === "q4" ? { ...entry, block: 128 as const } : entry,
    );
    const profile: OpProfile = { ...opProfiles.cpu, q4Blocks: [32, 64] };
    expect(() => decoderLayerGraph(language, { ...layout, tensors }, profile)).toThrow(
      "self_attn.q_proj.weight is q4 in blocks of 128; this provider takes blocks of 32, 64: convert the model with another",
    );
  });

  test("names the stage and the tensor that is missing", () => {
    const { layout } = randomModel().stage("layer-00");
    const tensors = layout.tensors.filter(({ name }) => name !== "mlp.up_proj.weight");
    expect(() => decoderLayerGraph(language, { ...layout, tensors }, opProfiles.cpu)).toThrow(
      "stage layer-00 has no tensor mlp.up_proj.weight",
    );
  });
});

describe.each(["cpu", "wasm"] as const)("a decoder layer on %s", (provider) => {
  const length = 44;

  test.each([1, 7, 43])(
    "gives a window behind %i cached positions what a pass over everything gives",
    async (cached) => {
      const session = await openLayer(provider);
      const whole = await runLayer(session, 0, someVectors(length), 0);
      const window = await runLayer(session, cached, someVectors(length, cached), cached, {
        keys: firstPositions(whole.keys, cached),
        values: firstPositions(whole.values, cached),
      });
      const expected = whole.hiddenOut.data.subarray(cached * hiddenSize);
      expectClose(window.hiddenOut.data, expected);
      await session.release();
    },
  );

  test.each(["f32t", "w8", "q4"] as const)(
    "in which only the last positions go on gives them bit for bit what one with all does, %s weights",
    async (encoding) => {
      const all = await openLayer(provider, encoding);
      const last = await openLayer(provider, encoding, "last");
      const whole = await runLayer(all, 0, someVectors(length), 0);
      for (const asking of [2, 5, 32, 33, length]) {
        const angles = rotationTables(language, length - asking, asking);
        const shape = [1, asking, headSize / 2];
        const part = await runLayer(last, 0, someVectors(length), 0, undefined, undefined, {
          queryCosines: tensor(shape, angles.cosines),
          querySines: tensor(shape, angles.sines),
        });
        expect(part.hiddenOut.shape).toEqual([1, asking, hiddenSize]);
        expect(part.hiddenOut.data).toEqual(
          whole.hiddenOut.data.subarray((length - asking) * hiddenSize),
        );
        expect(part.keys).toEqual(whole.keys);
        expect(part.values).toEqual(whole.values);
      }
      await all.release();
      await last.release();
    },
  );

  test.each(["f32t", "w8", "w7", "q4"] as const)(
    "gives each of several sequences bit for bit what it gets alone, behind contexts of their own lengths, %s weights",
    async (encoding) => {
      const alone = await openLayer(provider, encoding);
      const together = await openLayer(provider, encoding, "all", 4);
      const parts = [
        { rows: 2, behind: 0 },
        { rows: 8, behind: 37 },
        { rows: 4, behind: 5 },
        { rows: 6, behind: 64 },
      ].map(({ rows, behind }, index) => someSequence(rows, behind, 100 * index));
      const expected: Tensor[] = [];
      for (const { inputs } of parts) {
        expected.push(floats((await alone.run(inputs, ["hiddenOut"]))["hiddenOut"]));
      }
      for (let count = 1; count <= parts.length; count++) {
        const joined = parts.slice(0, count);
        const inputs = packSequences(joined.map((part) => part.inputs));
        const { hiddenOut } = await together.run(inputs, ["hiddenOut"]);
        const wanted = expected.slice(0, count).flatMap(({ data }) => [...data]);
        expect(floats(hiddenOut).data).toEqual(Float32Array.from(wanted));
      }
      await alone.release();
      await together.release();
    },
  );

  test("does not see what the mask hides", async () => {
    const session = await openLayer(provider);
    const short = await runLayer(session, 0, someVectors(20), 0);
    const hidden = Float32Array.from({ length: 30 }, (_, position) =>
      position < 20 ? 0 : Number.NEGATIVE_INFINITY,
    );
    const long = await runLayer(session, 0, someVectors(30), 0, undefined, hidden);
    expectClose(long.hiddenOut.data.subarray(0, 20 * hiddenSize), short.hiddenOut.data);
    await session.release();
  });

  test("treats the sequences of a batch apart", async () => {
    const session = await openLayer(provider);
    const [first, second] = [someVectors(12), someVectors(12, 50)];
    const both = tensor([2, 12, hiddenSize], Float32Array.of(...first.data, ...second.data));
    const together = await runLayer(session, 0, both, 0);
    const alone = await runLayer(session, 0, second, 0);
    expectClose(together.hiddenOut.data.subarray(12 * hiddenSize), alone.hiddenOut.data);
    await session.release();
  });
});

interface LayerRun {
  readonly hiddenOut: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
}

async function openLayer(
  provider: "cpu" | "wasm",
  encoding: LinearEncoding = "f32t",
  queries: Queries = "all",
  sequences = 1,
): Promise<Session> {
  const { layout, bytes } = randomModel(encoding).stage("layer-00");
  const runtime = await loadRuntime(provider, 1);
  const profile = await settleProfile(runtime, provider);
  const model = decoderLayerGraph(language, layout, profile, queries, sequences);
  return runtime.createSession("layer-00", model, bytes);
}

async function runLayer(
  session: Session,
  first: number,
  hidden: Tensor,
  cached: number,
  context?: { readonly keys: Tensor; readonly values: Tensor },
  mask?: Float32Array,
  angles: Readonly<Record<string, Tensor>> = {},
): Promise<LayerRun> {
  const [batch = 1, length = 0] = hidden.shape;
  const { cosines, sines } = rotationTables(language, first, length);
  const nothing = tensor([batch, keyValueHeads, 0, headSize], new Float32Array(0));
  const result = await session.run(
    {
      hidden,
      cosines: tensor([1, length, headSize / 2], cosines),
      sines: tensor([1, length, headSize / 2], sines),
      contextKeys: context?.keys ?? nothing,
      contextValues: context?.values ?? nothing,
      mask: tensor([1, 1, 1, cached + length], mask ?? new Float32Array(cached + length)),
      ...angles,
    },
    ["hiddenOut", "keys", "values"],
  );
  return {
    hiddenOut: floats(result["hiddenOut"]),
    keys: floats(result["keys"]),
    values: floats(result["values"]),
  };
}

type SequenceInputs = Readonly<
  Record<"hidden" | "cosines" | "sines" | "contextKeys" | "contextValues" | "mask", Tensor>
>;

/** A window of so many rows behind a made-up context. */
function someSequence(
  rows: number,
  behind: number,
  from: number,
): { readonly inputs: SequenceInputs } {
  const { cosines, sines } = rotationTables(language, behind, rows);
  const shape = [1, keyValueHeads, behind, headSize];
  const made = (scale: number): Tensor =>
    tensor(
      shape,
      Float32Array.from({ length: keyValueHeads * behind * headSize }, (_, index) =>
        Math.cos(scale * (from + index)),
      ),
    );
  return {
    inputs: {
      hidden: someVectors(from + rows, from),
      cosines: tensor([1, rows, headSize / 2], cosines),
      sines: tensor([1, rows, headSize / 2], sines),
      contextKeys: made(1.3),
      contextValues: made(0.7),
      mask: tensor([1, 1, 1, behind + rows], new Float32Array(behind + rows)),
    },
  };
}

/** One behind another, for a graph of four sequences; those that lack have no rows. */
function packSequences(sequences: readonly SequenceInputs[]): Readonly<Record<string, Tensor>> {
  const behind = (name: "hidden" | "cosines" | "sines", width: number): Tensor => {
    const data = sequences.flatMap((inputs) => [...inputs[name].data]);
    return tensor([1, data.length / width, width], Float32Array.from(data));
  };
  const nothing = tensor([1, keyValueHeads, 0, headSize], new Float32Array(0));
  const contexts = [0, 1, 2, 3].flatMap((index): [string, Tensor][] => {
    const number = index === 0 ? "" : `${index}`;
    const { contextKeys, contextValues, mask } = sequences[index] ?? {};
    return [
      [`contextKeys${number}`, contextKeys ?? nothing],
      [`contextValues${number}`, contextValues ?? nothing],
      [`mask${number}`, mask ?? tensor([1, 1, 1, 0], new Float32Array(0))],
    ];
  });
  return {
    hidden: behind("hidden", hiddenSize),
    cosines: behind("cosines", headSize / 2),
    sines: behind("sines", headSize / 2),
    ...Object.fromEntries(contexts),
  };
}

/** The vectors of positions `from` … `to` − 1 of an endless made-up sequence. */
function someVectors(to: number, from = 0): Tensor {
  const count = to > from ? to - from : to;
  const data = Float32Array.from({ length: count * hiddenSize }, (_, index) =>
    Math.sin(1.7 * (from * hiddenSize + index)),
  );
  return tensor([1, count, hiddenSize], data);
}

/** [1, G, S, d] → [1, G, count, d]. */
function firstPositions({ shape, data }: Tensor, count: number): Tensor {
  const [, heads = 0, length = 0, size = 0] = shape;
  const kept = Array.from({ length: heads }, (_, head) => [
    ...data.subarray(head * length * size, (head * length + count) * size),
  ]);
  return tensor([1, heads, count, size], Float32Array.from(kept.flat()));
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  const worst = actual.reduce(
    (largest, value, index) => Math.max(largest, Math.abs(value - (expected[index] ?? 0))),
    0,
  );
  expect(worst).toBeLessThan(1e-5);
}
