import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine, ForwardPass, Predictions } from "#model/engine.ts";

const patient = new AbortController().signal;

/**
 * The rules of `Engine` for one that has all its weights. The architecture must have a vision tower, and special ids that
 * leave most of its columns free.
 */
export function engineContract(
  name: string,
  open: () => Promise<{ readonly engine: Engine; dispose(): Promise<void> }>,
): void {
  describe(`${name} as an engine`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.dispose());

    test("a token's vector is the same wherever it is asked for", async () => {
      const { engine } = opened;
      const width = engine.architecture.language.hiddenSize;
      const { shape, data } = await engine.embedTokens([7, 8, 7], patient);
      expect(shape).toEqual([3, width]);
      expect(data.subarray(0, width)).toEqual(data.subarray(2 * width));
      expect(data.subarray(width, 2 * width)).toEqual(
        (await engine.embedTokens([8], patient)).data,
      );
    });

    test("an id outside the vocabulary is a RangeError", async () => {
      const { vocabSize } = opened.engine.architecture.language;
      for (const id of [vocabSize, -1, 0.5]) {
        await expect(opened.engine.embedTokens([7, id], patient)).rejects.toThrow(RangeError);
      }
    });

    test("each view becomes P features of the language tower's width", async () => {
      const { engine } = opened;
      const views = someViews(engine, 3);
      const { shape, data } = await engine.encodeImage(views, patient);
      const [count, patches, width] = shape;
      expect([count, width]).toEqual([3, engine.architecture.language.hiddenSize]);
      expect(data).toHaveLength(3 * (patches ?? 0) * (width ?? 0));
      expect((await engine.encodeImage(someViews(engine, 1), patient)).data).toEqual(
        data.subarray(0, data.length / 3),
      );
    });

    test("the newline vector has the language tower's width", async () => {
      const newline = await opened.engine.imageNewline(patient);
      expect(newline).toHaveLength(opened.engine.architecture.language.hiddenSize);
    });

    test("equal passes give equal predictions, bit for bit, also when they overlap", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const first = await engine.denoise(pass, patient);
      const again = await Promise.all([
        engine.denoise(pass, patient),
        engine.denoise({ ...pass, suppressed: [9] }, patient),
        engine.denoise(pass, patient),
      ]);
      expect(again[0]).toEqual(first);
      expect(again[2]).toEqual(first);
    });

    test("results belong to the caller: a later pass does not write to them", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const first = await engine.denoise(pass, patient);
      const copy = structuredClone(first);
      await engine.denoise({ ...pass, suppressed: [10, 11, 12] }, patient);
      expect(first).toEqual(copy);
    });

    test("there is one prediction for each asked row, in their order", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const all = await engine.denoise(pass, patient);
      const some = await engine.denoise({ ...pass, rows: [1, 4] }, patient);
      expect(some.tokens).toHaveLength(2);
      expect([...some.tokens]).toEqual([all.tokens[1], all.tokens[4]]);
    });

    test("four numbers a row tell probabilities", async () => {
      const { engine } = opened;
      const { logitsColumns } = engine.architecture;
      const result = await engine.denoise(await somePass(engine), patient);
      for (const row of result.tokens.keys()) {
        const [max = 0, second = 0, tail = 0] = numbersOf(result, row);
        expect(result.chosenLogits[row]).toBe(max); // without noise the likeliest is chosen
        expect(second).toBeLessThanOrEqual(max);
        expect(tail).toBeGreaterThanOrEqual(Math.exp(second - max) * (1 - 1e-5));
        expect(tail).toBeLessThanOrEqual((logitsColumns - 1) * Math.exp(second - max) * (1 + 1e-5));
      }
    });

    test("a suppressed column is never chosen and the next likeliest takes its place", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const free = await engine.denoise(pass, patient);
      const favourite = free.tokens[0] ?? 0;
      const without = await engine.denoise({ ...pass, suppressed: [favourite] }, patient);
      expect([...without.tokens]).not.toContain(favourite);
      expect(without.maxLogits[0]).toBe(free.runnerUpLogits[0]);
    });

    test("noise decides the choice and leaves the confidence alone", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const { logitsColumns } = engine.architecture;
      const plain = await engine.denoise(pass, patient);
      const noiseRV = new Float32Array(pass.rows.length * logitsColumns);
      for (const row of pass.rows.keys()) noiseRV[row * logitsColumns + 20 + row] = 1e4;
      const noised = await engine.denoise({ ...pass, noiseRV }, patient);
      expect([...noised.tokens]).toEqual(pass.rows.map((_, row) => 20 + row));
      expect(noised.maxLogits).toEqual(plain.maxLogits);
      expect(noised.runnerUpLogits).toEqual(plain.runnerUpLogits);
      expect(noised.tails).toEqual(plain.tails);
      for (const row of pass.rows.keys()) {
        expect(noised.chosenLogits[row]).toBeLessThanOrEqual(plain.maxLogits[row] ?? 0);
      }
    });

    test("noise does not bring a suppressed column back", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const { logitsColumns } = engine.architecture;
      const noiseRV = new Float32Array(pass.rows.length * logitsColumns);
      for (const row of pass.rows.keys()) noiseRV[row * logitsColumns + 20] = 1e4;
      const noised = await engine.denoise({ ...pass, noiseRV, suppressed: [20] }, patient);
      expect([...noised.tokens]).not.toContain(20);
    });

    test("guidance by the sequence itself changes nothing", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const plain = await engine.denoise(pass, patient);
      const guidance = { unconditionalSD: pass.embeddingsSD, scale: 1.5 };
      const guided = await engine.denoise({ ...pass, guidance }, patient);
      expect([...guided.tokens]).toEqual([...plain.tokens]);
      expectClose(guided.maxLogits, plain.maxLogits);
    });

    test("guidance of scale −1 gives the unconditional sequence's predictions", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const unconditionalSD = await engine.embedTokens([5, 5, 5, 30, 31, 32], patient);
      const other = await engine.denoise({ ...pass, embeddingsSD: unconditionalSD }, patient);
      const guidance = { unconditionalSD, scale: -1 };
      const guided = await engine.denoise({ ...pass, guidance }, patient);
      expect([...guided.tokens]).toEqual([...other.tokens]);
      expectClose(guided.maxLogits, other.maxLogits);
    });

    test("an aborted signal rejects with its reason", async () => {
      const { engine } = opened;
      const reason = new Error("the caller left");
      const aborted = AbortSignal.abort(reason);
      await expect(engine.denoise(await somePass(engine), aborted)).rejects.toBe(reason);
    });
  });
}

/** Six tokens, all of whose predictions are wanted. */
async function somePass(engine: Engine): Promise<ForwardPass> {
  const embeddingsSD = await engine.embedTokens([9, 17, 6, 30, 31, 32], patient);
  return { embeddingsSD, rows: [0, 1, 2, 3, 4, 5], suppressed: [] };
}

/** Views whose first one is the same for every count. */
function someViews(engine: Engine, count: number): Tensor {
  const size = engine.architecture.vision?.imageSize ?? 0;
  const shape = [count, 3, size, size];
  return tensor(
    shape,
    Float32Array.from({ length: count * 3 * size * size }, (_, index) => Math.sin(index)),
  );
}

function numbersOf(result: Predictions, row: number): (number | undefined)[] {
  return [result.maxLogits[row], result.runnerUpLogits[row], result.tails[row]];
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  const differences = actual.map((value, index) => Math.abs(value - (expected[index] ?? 0)));
  expect(Math.max(...differences)).toBeLessThan(1e-3);
}
