import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { entropyOf } from "#model/decode/confidence.ts";
import type { Engine, ForwardPass, Predictions, Prefix, PrefixUse } from "#model/engine.ts";
import { askedLogitsContract } from "./asked-logits.ts";

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

    test("what the tower made of the first view is there for who asks for it, and features are the same for that", async () => {
      const { engine } = opened;
      const seen: Tensor[] = [];
      const look = (features: Tensor): void => void seen.push(features);
      const { shape, data } = await engine.encodeImage(someViews(engine, 2), patient, look);
      expect(data).toEqual((await engine.encodeImage(someViews(engine, 2), patient)).data);
      expect(seen.map((features) => features.shape.slice(0, -1))).toEqual([[shape[1]]]);
      await engine.encodeImage(someViews(engine, 1), patient, look);
      expect(seen[1]?.data).toEqual(seen[0]?.data);
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

    test("there is one prediction for each asked row, in their order, and its logits are the same bit for bit whichever others are asked for", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const all = await engine.denoise(pass, patient);
      for (const rows of [[1, 4], [3], [5]]) {
        const { tails, slopes, ...some } = await engine.denoise({ ...pass, rows }, patient);
        const { tails: allTails, slopes: allSlopes, ...expected } = rowsOf(all, rows);
        expect(some).toEqual(expected);
        // A row's sums over all columns may begin at another alignment among other rows, which regroups them.
        expectClose(tails, allTails);
        expectClose(slopes, allSlopes);
      }
    });

    test("five numbers a row tell probabilities and entropies", async () => {
      const { engine } = opened;
      const { logitsColumns } = engine.architecture;
      const result = await engine.denoise(await somePass(engine), patient);
      for (const row of result.tokens.keys()) {
        const [max = 0, second = 0, tail = 0] = numbersOf(result, row);
        expect(result.chosenLogits[row]).toBe(max); // without noise the likeliest is chosen
        expect(second).toBeLessThanOrEqual(max);
        expect(tail).toBeGreaterThanOrEqual(Math.exp(second - max) * (1 - 1e-5));
        expect(tail).toBeLessThanOrEqual((logitsColumns - 1) * Math.exp(second - max) * (1 + 1e-5));
        const entropy = entropyOf(result, row);
        expect(entropy).toBeGreaterThanOrEqual(-Math.log(1 / (1 + tail)) - 1e-5);
        expect(entropy).toBeLessThanOrEqual(Math.log(logitsColumns) + 1e-5);
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

    test("suppressed columns have no part in the entropy", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const all = Array.from({ length: engine.architecture.logitsColumns }, (_, id) => id);
      const two = await engine.denoise({ ...pass, suppressed: all.slice(2) }, patient);
      for (const row of two.tokens.keys()) {
        const p = 1 / (1 + Math.exp(two.runnerUpLogits[row]! - two.maxLogits[row]!));
        const expected = p === 1 ? 0 : -p * Math.log(p) - (1 - p) * Math.log(1 - p);
        expect(entropyOf(two, row)).toBeCloseTo(expected, 4);
      }
    });

    test("a pass that fills a prefix predicts what one without does, bit for bit", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const plain = await engine.denoise(pass, patient);
      using prefix = opening(engine);
      for (const length of [0, 1, 3, 5]) {
        const use = { kept: prefix, length, refresh: "whole" } as const;
        expect(await engine.denoise({ ...pass, prefix: use }, patient)).toEqual(plain);
        expect(prefix.length).toBe(length);
      }
    });

    test.each(["none", "deep"] as const)(
      "behind a fresh prefix a pass (%s) predicts what one over everything does, also of a single row",
      async (refresh) => {
        const { engine } = opened;
        const pass = await somePass(engine);
        const plain = await engine.denoise(pass, patient);
        using prefix = opening(engine);
        for (const length of [0, 1, 3, 5]) {
          const use = { kept: prefix, length };
          await engine.denoise({ ...pass, prefix: { ...use, refresh: "whole" } }, patient);
          const rows = pass.rows.slice(length);
          const found = await engine.denoise(
            { ...pass, rows, prefix: { ...use, refresh } },
            patient,
          );
          const expected = rowsOf(plain, rows);
          expect([...found.tokens]).toEqual([...expected.tokens]);
          expectClose(found.maxLogits, expected.maxLogits);
        }
      },
    );

    test("what is behind the prefix is computed from the embeddings, and the prefix is as it was", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      using prefix = opening(engine);
      const use = { kept: prefix, length: 3 };
      await engine.denoise({ ...pass, prefix: { ...use, refresh: "whole" } }, patient);
      const behind = { ...pass, rows: [3, 4, 5], prefix: { ...use, refresh: "none" } as const };
      const fresh = await engine.denoise(behind, patient);
      const otherPrompt = await engine.embedTokens([8, 7, 9, 30, 31, 32], patient);
      expect(await engine.denoise({ ...behind, embeddingsSD: otherPrompt }, patient)).toEqual(
        fresh,
      );
      const otherCanvas = await engine.embedTokens([9, 17, 6, 30, 29, 32], patient);
      const moved = await engine.denoise({ ...behind, embeddingsSD: otherCanvas }, patient);
      expect(moved.maxLogits).not.toEqual(fresh.maxLogits);
      // Passing over it again and again wears nothing out.
      expect(await engine.denoise(behind, patient)).toEqual(fresh);
    });

    test("two prefixes know nothing of each other", async () => {
      const { engine } = opened;
      const pass = await somePass(engine);
      const other = {
        ...pass,
        embeddingsSD: await engine.embedTokens([8, 7, 9, 30, 31, 32], patient),
      };
      using first = opening(engine);
      using second = opening(engine);
      const whole = (kept: Prefix) => ({ kept, length: 3, refresh: "whole" }) as const;
      const none = (kept: Prefix) => ({ kept, length: 3, refresh: "none" }) as const;
      const rows = [3, 4, 5];
      await engine.denoise({ ...pass, prefix: whole(first) }, patient);
      const alone = await engine.denoise({ ...pass, rows, prefix: none(first) }, patient);
      await engine.denoise({ ...other, prefix: whole(second) }, patient);
      const beside = await engine.denoise({ ...pass, rows, prefix: none(first) }, patient);
      expect(beside).toEqual(alone);
    });

    test("a guided pass keeps the prefixes of both sequences", async () => {
      const { engine } = opened;
      const unconditionalSD = await engine.embedTokens([5, 5, 5, 30, 31, 32], patient);
      const pass = { ...(await somePass(engine)), guidance: { unconditionalSD, scale: 0.5 } };
      const plain = await engine.denoise(pass, patient);
      using prefix = opening(engine);
      const use = { kept: prefix, length: 3 };
      const whole = { ...pass, prefix: { ...use, refresh: "whole" } as const };
      expect(await engine.denoise(whole, patient)).toEqual(plain);
      const none = { ...pass, rows: [3, 4, 5], prefix: { ...use, refresh: "none" } as const };
      const found = await engine.denoise(none, patient);
      expectClose(found.maxLogits, plain.maxLogits.subarray(3));
      const { guidance: _, ...unguided } = none;
      await expect(engine.denoise(unguided, patient)).rejects.toThrow(RangeError);
    });

    test("a prefix that is empty, of another length, released, or asked about itself is a RangeError", async () => {
      const { engine } = opened;
      const pass = { ...(await somePass(engine)), rows: [3, 4, 5] };
      using prefix = opening(engine);
      const denoise = (refresh: PrefixUse["refresh"], length = 3, rows = pass.rows) =>
        engine.denoise({ ...pass, rows, prefix: { kept: prefix, length, refresh } }, patient);
      await expect(denoise("none")).rejects.toThrow(RangeError);
      await expect(denoise("deep")).rejects.toThrow(RangeError);
      await expect(denoise("whole", 6)).rejects.toThrow(RangeError);
      await denoise("whole");
      await expect(denoise("none", 2)).rejects.toThrow(RangeError);
      await expect(denoise("none", 3, [2, 3])).rejects.toThrow(RangeError);
      prefix.release();
      prefix.release();
      expect(prefix.length).toBe(0);
      for (const refresh of ["whole", "none", "deep"] as const)
        await expect(denoise(refresh)).rejects.toThrow(RangeError);
    });

    askedLogitsContract(() => opened.engine);

    test("an aborted signal rejects with its reason", async () => {
      const { engine } = opened;
      const reason = new Error("the caller left");
      const aborted = AbortSignal.abort(reason);
      await expect(engine.denoise(await somePass(engine), aborted)).rejects.toBe(reason);
    });
  });
}

/** A prefix that is released at the end of its scope. */
function opening(engine: Engine): Prefix & Disposable {
  const prefix = engine.openPrefix();
  return Object.assign(prefix, { [Symbol.dispose]: () => prefix.release() });
}

/** The predictions of some rows. */
function rowsOf(all: Predictions, rows: readonly number[]): Predictions {
  const pick = (numbers: Float32Array): Float32Array =>
    Float32Array.from(rows, (row) => numbers[row]!);
  return {
    tokens: Int32Array.from(rows, (row) => all.tokens[row]!),
    chosenLogits: pick(all.chosenLogits),
    maxLogits: pick(all.maxLogits),
    runnerUpLogits: pick(all.runnerUpLogits),
    tails: pick(all.tails),
    slopes: pick(all.slopes),
  };
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
