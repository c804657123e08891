import { beforeAll, describe, expect, test } from "vitest";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { floats } from "#engine/engine-parts.ts";
import { absentSequences } from "#engine/passes/denoise.ts";
import { joinPositions, takePositions } from "#engine/passes/rows.ts";
import type { Runtime, Session, SessionInput } from "#engine/runtime/runtime.ts";
import { type CaseSizes, decoderLayerCase } from "#engine/self-test/random-layers.ts";
import { withWasmLayers } from "#engine/wasm-layer/wasm-layers.ts";
import { rotationTables } from "#graph/rotary.ts";
import { bareRuntime } from "../../support/layer-digest.ts";
import { layerBinaries } from "../../support/layer-kernel.ts";

const language = {
  ...{ hiddenSize: 64, layers: 2, heads: 4, keyValueHeads: 2, headSize: 16, vocabSize: 1 },
  ...{ intermediateSize: 96, ropeTheta: 10_000, rmsNormEpsilon: 1e-5 },
};

/** Rows over two tiles of those that go through the linears at a time. */
const ROWS = 70;
const sizes: CaseSizes = { language, window: ROWS };

let runtime: Runtime;
beforeAll(async () => {
  runtime = await withWasmLayers(bareRuntime, layerBinaries(), { take: ["int4", "int8"] });
});

const open = async (
  encoding: "q4" | "w8" | "w7",
  queries: "all" | "last" = "all",
): Promise<Session> => {
  const { stage } = decoderLayerCase({ encoding }, sizes);
  const session = await runtime.openLayer?.({ tower: language, stage, queries });
  if (session === undefined) throw new Error(`a layer in ${encoding} was not taken`);
  return session;
};

type Inputs = Readonly<Record<string, SessionInput>>;
const outputs = ["hiddenOut", "keys", "values"];

async function runs(session: Session, inputs: Inputs): Promise<Readonly<Record<string, Tensor>>> {
  const results = await session.run(inputs, outputs);
  return Object.fromEntries(outputs.map((name) => [name, floats(results[name])]));
}

/** Rows `from` … `to` of a window as a window of their own, behind a context. */
function windowOf(from: number, to: number): Readonly<Record<string, Tensor>> {
  const { inputs } = decoderLayerCase({ encoding: "q4" }, sizes);
  const { contextKeys, contextValues, hidden } = inputs;
  const { cosines, sines } = rotationTables(language, from, to - from);
  const half = language.headSize / 2;
  const seen = contextKeys.shape[2]! + to - from;
  return {
    ...{ hidden: takePositions(hidden, from, to), contextKeys, contextValues },
    cosines: tensor([1, to - from, half], cosines),
    sines: tensor([1, to - from, half], sines),
    mask: tensor([1, 1, 1, seen], new Float32Array(seen)),
  };
}

describe.each(["q4", "w8", "w7"] as const)("a decoder layer of our own, %s weights", (encoding) => {
  test("asked for the last rows alone it gives those of all, bit for bit", async () => {
    const { inputs } = decoderLayerCase({ encoding }, sizes);
    const all = await runs(await open(encoding), inputs);
    const { cosines, sines } = inputs;
    const last = await runs(await open(encoding, "last"), {
      ...inputs,
      queryCosines: takePositions(cosines, ROWS - 6, ROWS),
      querySines: takePositions(sines, ROWS - 6, ROWS),
    });
    expect(last["hiddenOut"]).toEqual(takePositions(all["hiddenOut"]!, ROWS - 6, ROWS));
    expect(last["keys"]).toEqual(all["keys"]);
    expect(last["values"]).toEqual(all["values"]);
  });

  test("windows of several sequences one behind another get the bits that each gets alone", async () => {
    const session = await open(encoding);
    const [first, second, third] = [windowOf(0, 6), windowOf(6, 15), windowOf(15, 16)];
    const alone = await Promise.all([first, second, third].map((window) => runs(session, window)));
    const packed = (name: string): Tensor =>
      [first, second, third].map((window) => window[name]!).reduce(joinPositions);
    const together = await runs(session, {
      ...absentSequences(language, 3),
      ...{ hidden: packed("hidden"), cosines: packed("cosines"), sines: packed("sines") },
      ...Object.fromEntries(
        [first, second, third].flatMap((window, index) =>
          ["contextKeys", "contextValues", "mask"].map((name) => [
            `${name}${index === 0 ? "" : index}`,
            window[name]!,
          ]),
        ),
      ),
    });
    const expected = alone.map((result) => result["hiddenOut"]!).reduce(joinPositions);
    expect(together["hiddenOut"]).toEqual(expected);
  });

  test("two branches get the bits that each gets alone, each with its context", async () => {
    const session = await open(encoding);
    const [one, other] = [windowOf(0, 7), windowOf(7, 14)];
    other["contextKeys"]!.data.reverse();
    const [first, second] = [
      await runs(session, one),
      await runs(session, { ...other, cosines: one["cosines"]!, sines: one["sines"]! }),
    ];
    const both = (name: string, left: typeof one, right: typeof one): Tensor => {
      const [, ...shape] = left[name]!.shape;
      return tensor([2, ...shape], Float32Array.from([...left[name]!.data, ...right[name]!.data]));
    };
    const named = Object.fromEntries(
      ["hidden", "contextKeys", "contextValues"].map((name) => [name, both(name, one, other)]),
    );
    const together = await runs(session, { ...one, ...named });
    for (const name of outputs) expect(together[name]).toEqual(both(name, first, second));
  });

  test("what is kept of a prefix is what a later window sees, until its shelf is cleared", async () => {
    const session = await open(encoding);
    const { inputs } = decoderLayerCase({ encoding }, sizes);
    const seen = await runs(session, inputs);
    const order = (name: string) => ({ shelf: 7, name, positions: 30 });
    await session.run(inputs, ["hiddenOut"], { keys: order("keys0"), values: order("values0") });
    const window = windowOf(30, 40);
    const part = (name: string): Tensor => {
      const { shape, data } = seen[name]!;
      const [, groups = 0, length = 0, size = 0] = shape;
      return takePositions(tensor([groups, length, size], data), 0, 30);
    };
    const named = (name: string): Tensor => tensor([1, ...part(name).shape], part(name).data);
    const mask = tensor([1, 1, 1, 40], new Float32Array(40));
    const given = await runs(session, {
      ...{ ...window, mask, contextKeys: named("keys"), contextValues: named("values") },
    });
    const contextKeys = { shelf: 7, name: "keys0" };
    const contextValues = { shelf: 7, name: "values0" };
    const kept = { ...window, mask, contextKeys, contextValues };
    expect(await runs(session, kept)).toEqual(given);
    await runtime.clear(7);
    await expect(runs(session, kept)).rejects.toThrow(/stage .* failed to run/);
  });
});
