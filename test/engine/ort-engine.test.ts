import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import { engineContract } from "../contract/engine.ts";
import { isFull } from "../support/full.ts";
import {
  oddArchitecture,
  plainLogits,
  type RandomModel,
  randomModel,
} from "../support/random-model.ts";

const patient = new AbortController().signal;

async function openEngine(provider: "cpu" | "wasm", model: RandomModel): Promise<OrtEngine> {
  const { architecture } = model;
  const engine = await createNodeEngine({ architecture, provider, threads: 1 });
  for (const stage of model.stages) await engine.accept(stage);
  return engine;
}

for (const provider of ["cpu", "wasm"] as const) {
  engineContract(`ONNX Runtime (${provider})`, async () => {
    const engine = await openEngine(provider, randomModel());
    return { engine, dispose: () => engine.dispose() };
  });
}

/**
 * Largest error of logits against the plain forward, relative to their root mean square: rounding alone in float encodings;
 * 8-bit activations in the others (measured 0.8–1 %; wasm keeps q4 activations in float32).
 */
const tolerances: Readonly<Record<LinearEncoding, number>> = {
  f32t: 1e-5,
  f16t: 1e-5,
  w8: 0.03,
  w7: 0.03,
  q4: 0.03,
  q8u: 0.03,
};

/**
 * A module of its own is compiled for each engine on wasm, for a second and a half: there one of each kind of weights is tried, and all
 * of them in `npm run test:full`.
 */
function encodingsOn(provider: "cpu" | "wasm"): readonly LinearEncoding[] {
  return provider === "cpu" || isFull ? ["f32t", "f16t", "w8", "w7", "q4", "q8u"] : ["f32t", "w8"];
}

describe.each(["cpu", "wasm"] as const)("the engine on %s", (provider) => {
  test.each(encodingsOn(provider).map((encoding) => [encoding, tolerances[encoding]] as const))(
    "agrees with the plain forward on %s weights, grouped heads and odd widths",
    async (encoding, tolerance) => {
      const model = randomModel(encoding, encoding === "f32t" ? "f32" : "q8");
      const seen: number[] = [];
      const engine = await createNodeEngine({
        architecture: model.architecture,
        provider,
        threads: 1,
        observe: (name, { data }) => {
          if (name === "logits") seen.push(...data);
        },
      });
      for (const stage of model.stages) await engine.accept(stage);
      const ids = Array.from({ length: 70 }, (_, index) => (index * 13) % 100);
      const embeddingsSD = await engine.embedTokens(ids, patient);
      const rows = ids.map((_, row) => row);
      await engine.denoise({ embeddingsSD, rows, suppressed: [] }, patient);
      const expected = plainLogits(model, {
        width: 72,
        data: Float64Array.from(embeddingsSD.data),
      });
      const columns = model.architecture.logitsColumns;
      const wanted = rows.flatMap((row) => [
        ...expected.data.subarray(row * 100, row * 100 + columns),
      ]);
      expect(relativeError(seen, wanted)).toBeLessThan(tolerance);
      await engine.dispose();
    },
  );

  test.each(
    (["f32t", "w8", "q4"] as const).filter((one) => isFull || provider === "cpu" || one === "q4"),
  )(
    "a single row, of a canvas or of the head, is computed as it is among others: its logits are the same bit for bit, %s weights",
    async (encoding) => {
      const engine = await openEngine(provider, randomModel(encoding));
      const embeddingsSD = await engine.embedTokens([9, 17, 6, 30, 31, 32], patient);
      const rows = [0, 1, 2, 3, 4, 5];
      const all = await engine.denoise({ embeddingsSD, rows, suppressed: [] }, patient);
      const one = await engine.denoise({ embeddingsSD, rows: [5], suppressed: [] }, patient);
      expect(one.maxLogits[0]).toBe(all.maxLogits[5]);
      expect(one.runnerUpLogits[0]).toBe(all.runnerUpLogits[5]);
      const kept = engine.openPrefix();
      const behind = async (length: number) => {
        const use = { kept, length };
        const pass = { embeddingsSD, rows: [5], suppressed: [] };
        await engine.denoise({ ...pass, prefix: { ...use, refresh: "whole" } }, patient);
        return engine.denoise({ ...pass, prefix: { ...use, refresh: "none" } }, patient);
      };
      // Behind 5 positions it is alone in its window, behind 4 it is not. The sums of the attention are grouped by that, no more.
      const [alone, among] = [await behind(5), await behind(4)];
      expect(alone.tokens).toEqual(among.tokens);
      expect(Math.abs(alone.maxLogits[0]! - among.maxLogits[0]!)).toBeLessThan(0.02);
      await engine.dispose();
    },
  );

  test("equal columns go to the lowest index", async () => {
    const model = randomModel();
    model.stage("head").bytes.fill(0);
    const engine = await openEngine(provider, model);
    const embeddingsSD = await engine.embedTokens([9, 8], patient);
    const result = await engine.denoise(
      { embeddingsSD, rows: [0, 1], suppressed: [0, 1], best: 3 },
      patient,
    );
    expect([...result.tokens]).toEqual([2, 2]);
    expect([...(result.best?.tokensRN ?? [])]).toEqual([2, 3, 4, 2, 3, 4]);
    expect([...result.runnerUpLogits]).toEqual([...result.maxLogits]);
    expect([...result.tails]).toEqual([87, 87]);
    await engine.dispose();
  });

  test("columns behind the tokenizer's length are never chosen", async () => {
    const model = randomModel();
    const engine = await openEngine(provider, model);
    const embeddingsSD = await engine.embedTokens([...Array(100).keys()], patient);
    const rows = [...Array(100).keys()];
    const { tokens } = await engine.denoise({ embeddingsSD, rows, suppressed: [] }, patient);
    expect(Math.max(...tokens)).toBeLessThan(90);
    await engine.dispose();
  });
});

describe("an engine whose weights are still coming", () => {
  test("ends a pass once the last stage is there, whatever the order", async () => {
    const model = randomModel();
    const engine = await createNodeEngine({ architecture: oddArchitecture, provider: "cpu" });
    await engine.accept(model.stage("embed"));
    const embeddingsSD = await engine.embedTokens([9, 8, 7], patient);
    const pending = engine.denoise({ embeddingsSD, rows: [0], suppressed: [] }, patient);
    let isDone = false;
    const watched = pending.then(() => {
      isDone = true;
    });
    for (const name of ["head", "layer-01"]) await engine.accept(model.stage(name));
    expect(isDone).toBe(false);
    await engine.accept(model.stage("layer-00"));
    await watched;
    await engine.dispose();
  });

  test("rejects everyone who waits, and everyone who comes later, with the loader's error", async () => {
    const engine = await createNodeEngine({ architecture: oddArchitecture, provider: "cpu" });
    const fault = new Error("shard_corrupt");
    const waiting = engine.embedTokens([7], patient);
    engine.fail(fault);
    await expect(waiting).rejects.toBe(fault);
    await expect(engine.imageNewline(patient)).rejects.toBe(fault);
    const embeddingsSD = tensor([1, 72], new Float32Array(72));
    await expect(engine.denoise({ embeddingsSD, rows: [0], suppressed: [] }, patient)).rejects.toBe(
      fault,
    );
    await engine.dispose();
  });

  test("lets go of who aborts, and serves the next in line", async () => {
    const model = randomModel();
    const engine = await createNodeEngine({ architecture: oddArchitecture, provider: "cpu" });
    const embeddingsSD = tensor([2, 72], new Float32Array(144).fill(0.5));
    const pass = { embeddingsSD, rows: [1], suppressed: [] };
    const leaving = new AbortController();
    const left = engine.denoise(pass, leaving.signal);
    const next = engine.denoise(pass, patient);
    leaving.abort(new Error("the caller left"));
    await expect(left).rejects.toThrow("the caller left");
    for (const stage of model.stages) await engine.accept(stage);
    expect((await next).tokens).toHaveLength(1);
    await engine.dispose();
  });

  test("refuses a stage that is not of its architecture and tells who waits", async () => {
    const model = randomModel();
    const engine = await createNodeEngine({ architecture: oddArchitecture, provider: "cpu" });
    const waiting = engine.embedTokens([7], patient);
    const { layout, bytes } = model.stage("layer-00");
    const stage = { layout: { ...layout, tensors: layout.tensors.slice(1) }, bytes };
    await expect(engine.accept(stage)).rejects.toThrow("layer-00 has no tensor input_layernorm");
    await expect(waiting).rejects.toThrow("layer-00 has no tensor input_layernorm");
    await engine.dispose();
  });

  test.each(["own", "callers"] as const)(
    "needs a stage's bytes no more once it has accepted them, on its %s thread",
    async (thread) => {
      const model = randomModel("q4", "q8");
      const engine = await createNodeEngine({
        architecture: oddArchitecture,
        provider: "cpu",
        thread,
      });
      for (const { layout, bytes } of model.stages) {
        const handed = bytes.slice();
        await engine.accept({ layout, bytes: handed });
        if (layout.name !== "embed" && handed.byteLength > 0) handed.fill(0x55);
      }
      const embeddingsSD = await engine.embedTokens([9, 8, 7], patient);
      const pass = { embeddingsSD, rows: [0, 2], suppressed: [] };
      const { tokens } = await engine.denoise(pass, patient);
      const untouched = await openEngine("cpu", model);
      expect(tokens).toEqual((await untouched.denoise(pass, patient)).tokens);
      await Promise.all([engine.dispose(), untouched.dispose()]);
    },
  );

  test("leaves its caller's thread free while it computes", async () => {
    const engine = await openEngine("cpu", randomModel());
    const ids = Array.from({ length: 1500 }, (_, index) => index % 100);
    const embeddingsSD = await engine.embedTokens(ids, patient);
    const [ofAll, ofCaller] = [process.cpuUsage(), process.threadCpuUsage()];
    await engine.denoise({ embeddingsSD, rows: [0], suppressed: [] }, patient);
    const total = process.cpuUsage(ofAll).user;
    // On the caller's thread nearly all of the work would be its own.
    expect(process.threadCpuUsage(ofCaller).user / total).toBeLessThan(0.25);
    await engine.dispose();
  });

  test("says what is wrong with a pass that does not fit", async () => {
    const engine = await openEngine("cpu", randomModel());
    const embeddingsSD = tensor([2, 72], new Float32Array(144));
    const attempt = (pass: object): Promise<unknown> =>
      engine.denoise({ embeddingsSD, rows: [0], suppressed: [], ...pass }, patient);
    await expect(attempt({ rows: [] })).rejects.toThrow(RangeError);
    await expect(attempt({ rows: [1, 0] })).rejects.toThrow("row 0 after 1 is not ascending");
    await expect(attempt({ rows: [2] })).rejects.toThrow(RangeError);
    await expect(attempt({ suppressed: [100] })).rejects.toThrow(RangeError);
    await expect(attempt({ noiseRV: new Float32Array(3) })).rejects.toThrow("noise has 3 numbers");
    await expect(attempt({ embeddingsSD: tensor([2, 3], new Float32Array(6)) })).rejects.toThrow(
      "shape [2,3]",
    );
    await engine.dispose();
  });

  test("a pass that breaks off while it fills a prefix leaves the prefix empty", async () => {
    const model = randomModel();
    const engine = await createNodeEngine({ architecture: oddArchitecture, provider: "cpu" });
    await engine.accept(model.stage("embed"));
    await engine.accept(model.stage("layer-00"));
    const embeddingsSD = await engine.embedTokens([9, 8, 7], patient);
    const kept = engine.openPrefix();
    const leaving = new AbortController();
    const prefix = { kept, length: 1, refresh: "whole" } as const;
    const pending = engine.denoise(
      { embeddingsSD, rows: [2], suppressed: [], prefix },
      leaving.signal,
    );
    leaving.abort(new Error("the caller has left"));
    await expect(pending).rejects.toThrow("the caller has left");
    for (const name of ["layer-01", "head"]) await engine.accept(model.stage(name));
    const pass = { embeddingsSD, rows: [2], suppressed: [] };
    await expect(
      engine.denoise({ ...pass, prefix: { ...prefix, refresh: "none" } }, patient),
    ).rejects.toThrow("the prefix keeps 0 positions");
    await engine.denoise({ ...pass, prefix }, patient);
    expect(kept.length).toBe(1);
    await engine.dispose();
  });

  test("rejects after it has been disposed", async () => {
    const engine = await createNodeEngine({ architecture: oddArchitecture, provider: "cpu" });
    await engine.dispose();
    await expect(engine.embedTokens([7], patient)).rejects.toThrow("disposed");
  });
});

function relativeError(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length);
  const difference = expected.reduce((sum, value, n) => sum + (value - (actual[n] ?? 0)) ** 2, 0);
  return Math.sqrt(difference / expected.reduce((sum, value) => sum + value ** 2, 0));
}
