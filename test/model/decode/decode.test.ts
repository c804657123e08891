import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerTokens } from "#model/decode/canvas.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { referencePolicy } from "#model/decode/policy.ts";
import { runDecoding, startDecoding } from "../../support/decoding.ts";
import {
  type FakeLogits,
  fakeArchitecture,
  fakeEngine,
  fakeSpecial,
  oneHot,
} from "../../support/fake-engine.ts";

const COLUMNS = 32;
const architecture = { ...fakeArchitecture, logitsColumns: COLUMNS };

/** A network that wants `tokens` on the canvas, the surest first as `order` says: larger is surer. Prompt of one. */
function wanting(tokens: readonly number[], order: readonly number[]): FakeLogits {
  return (_, position) =>
    oneHot(COLUMNS, tokens[position - 1] ?? 0, 5 + (order[position - 1] ?? 0));
}

/** A network that looks at everything: logits from a hash of the sequence, the position and a seed. */
function restless(seed: number): FakeLogits {
  return (sequence, position) => {
    const hash = sequence.reduce((sum, id) => Math.imul(sum ^ (id + 2), 0x01000193), seed | 0);
    const uniform = mulberry32(hash ^ (position * 7919));
    return Float64Array.from({ length: COLUMNS }, () => uniform.next() * 8);
  };
}

describe("decode", () => {
  const shape = fc
    .record({
      blocks: fc.integer({ min: 1, max: 4 }),
      blockLength: fc.integer({ min: 1, max: 8 }),
      stepsPerBlock: fc.integer({ min: 1, max: 10 }),
      seed: fc.integer(),
    })
    .map(({ blocks, blockLength, stepsPerBlock, seed }) => ({
      length: blocks * blockLength,
      blockLength,
      steps: blocks * stepsPerBlock,
      seed,
    }));

  test("with a threshold a step reveals whatever is as sure, or the surest alone, until the block is full", async () => {
    const setups = fc.tuple(shape, fc.double({ min: 0.01, max: 1, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(setups, async ([{ seed, ...setup }, threshold]) => {
        const engine = fakeEngine(restless(seed), architecture);
        const { steps } = await runDecoding(engine, {
          ...setup,
          commit: { kind: "threshold", least: threshold },
        });
        const positions = steps.flatMap(({ reveals }) => reveals.map(({ position }) => position));
        expect(positions.toSorted((a, b) => a - b)).toEqual([...Array(setup.length).keys()]);
        for (const { reveals, guesses } of steps) {
          const [surest, ...others] = reveals;
          expect(others.every(({ confidence }) => confidence >= threshold)).toBe(true);
          const left = guesses.every(
            ({ confidence }) => confidence < threshold && confidence <= surest!.confidence,
          );
          expect(left).toBe(true);
        }
      }),
      { seed: 9, numRuns: 60 },
    );
  });

  test("reveals sum to the masked count, no position twice, within the ceiling of steps", async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ seed, ...setup }) => {
        const { steps, canvas } = await runDecoding(
          fakeEngine(restless(seed), architecture),
          setup,
        );
        const positions = steps.flatMap(({ reveals }) => reveals.map(({ position }) => position));
        expect(positions.toSorted((a, b) => a - b)).toEqual([...Array(setup.length).keys()]);
        expect(steps.length).toBeLessThanOrEqual(setup.steps);
        expect(steps.map(({ number }) => number)).toEqual(steps.map((_, index) => index + 1));
        for (const { reveals, schedule, step } of steps)
          expect(reveals).toHaveLength(schedule[step]!);
        expect(answerTokens(canvas)).not.toContain(fakeSpecial.mask);
      }),
      { numRuns: 40 },
    );
  });

  test("what is stable stays: tokens below the mark are in the final answer as they were, and the mark never falls", async () => {
    const stops = fc.array(
      fc.array(fc.integer({ min: 6, max: 31 }), { minLength: 1, maxLength: 2 }),
      {
        maxLength: 40,
      },
    );
    await fc.assert(
      fc.asyncProperty(shape, stops, async ({ seed, ...setup }, found) => {
        const { steps, canvas } = await startDecoding(fakeEngine(restless(seed), architecture), {
          ...setup,
          stops: found,
        });
        const marks: { until: number; tokens: number[] }[] = [];
        for await (const { stableUntil } of steps)
          marks.push({ until: stableUntil, tokens: [...canvas.tokens.subarray(0, stableUntil)] });
        const final = answerTokens(canvas);
        for (const { until, tokens } of marks) expect(final.slice(0, until)).toEqual(tokens);
        expect(marks.map(({ until }) => until)).toEqual(
          marks.map(({ until }) => until).toSorted((a, b) => a - b),
        );
        expect(marks.at(-1)?.until).toBe(final.length);
      }),
      { numRuns: 60 },
    );
  });

  test("the surest position is written first, whatever its place", async () => {
    const engine = fakeEngine(wanting([20, 21, 22], [1, 3, 2]), architecture);
    const { steps, canvas } = await runDecoding(engine, { length: 3 });
    expect(steps.map(({ reveals }) => reveals.map(({ position }) => position))).toEqual([
      [1],
      [2],
      [0],
    ]);
    expect(answerTokens(canvas)).toEqual([20, 21, 22]);
  });

  test("with everything equal, positions are written from the left and tokens are the lowest allowed", async () => {
    const engine = fakeEngine(() => new Float32Array(COLUMNS), architecture);
    const { steps } = await runDecoding(engine, { length: 4, steps: 2 });
    const written = steps.flatMap(({ reveals }) => reveals);
    expect(written.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
    // 0 … 3 are suppressed: end and begin of text, the two headers. 4, the end of the turn, is not.
    expect(written.map(({ token }) => token)).toEqual([4, 4, 4, 4]);
  });

  test("blocks are finished from left to right", async () => {
    const engine = fakeEngine(wanting([20, 21, 22, 23], [0, 1, 2, 3]), architecture);
    const { steps } = await runDecoding(engine, { length: 4, blockLength: 2 });
    const order = steps.flatMap(({ block, reveals }) =>
      reveals.map(({ position }) => [block, position]),
    );
    expect(order).toEqual([
      [0, 1],
      [0, 0],
      [1, 3],
      [1, 2],
    ]);
    expect(engine.passes[0]?.rows).toEqual([1, 2]);
  });

  test("a step that fills everything ends its block early", async () => {
    const engine = fakeEngine(wanting([20, 21], [0, 0]), architecture);
    const { steps } = await runDecoding(engine, { length: 2, steps: 5 });
    expect(steps).toHaveLength(2);
    expect(steps[0]?.schedule).toEqual([1, 1, 0, 0, 0]);
  });

  test("places before a stop are still filled, places behind it never", async () => {
    const engine = fakeEngine(wanting([20, 21, 9, 22], [0, 1, 9, 2]), architecture);
    const { steps, canvas } = await runDecoding(engine, { length: 4, stops: [[9]] });
    expect(steps.map(({ reveals }) => reveals[0]?.position)).toEqual([2, 1, 0]);
    expect(steps.map(({ stableUntil }) => stableUntil)).toEqual([0, 0, 2]);
    expect(answerTokens(canvas)).toEqual([20, 21]);
    expect(engine.passes[1]?.rows).toEqual([1, 2]);
  });

  test("blocks behind a stop do not run", async () => {
    const engine = fakeEngine(wanting([20, 9, 22, 23], [1, 2, 0, 0]), architecture);
    const { steps } = await runDecoding(engine, { length: 4, blockLength: 2, stops: [[9]] });
    expect(steps.map(({ block }) => block)).toEqual([0, 0]);
  });

  test("a stop of two tokens may lie across two blocks", async () => {
    const engine = fakeEngine(wanting([20, 9, 10, 23], [1, 2, 2, 0]), architecture);
    const { canvas, steps } = await runDecoding(engine, {
      length: 4,
      blockLength: 2,
      stops: [[9, 10]],
    });
    expect(answerTokens(canvas)).toEqual([20]);
    // After the first block the 9 may still become the stop's beginning.
    expect(steps[1]?.stableUntil).toBe(1);
  });

  test.each([
    { stops: [[9], [8]], tokens: [20, 8, 21] },
    { stops: [[8], [9]], tokens: [20] },
  ])(
    "of the stops $stops only the first can move the end forward, as in the reference",
    async ({ stops, tokens }) => {
      const engine = fakeEngine(wanting([20, 8, 21, 9], [0, 1, 2, 9]), architecture);
      const { canvas } = await runDecoding(engine, { length: 4, stops });
      expect(answerTokens(canvas)).toEqual(tokens);
    },
  );

  test("an empty stop ends nothing", async () => {
    const engine = fakeEngine(wanting([20, 21], [0, 0]), architecture);
    const { canvas } = await runDecoding(engine, { length: 2, stops: [[]] });
    expect(answerTokens(canvas)).toEqual([20, 21]);
  });

  test("the suffix is seen from the first pass on, is never asked about, and ends the answer", async () => {
    const engine = fakeEngine(wanting([20, 21], [0, 0]), architecture);
    const { canvas } = await runDecoding(engine, { length: 2, suffix: [25, 26] });
    expect([...(engine.passes[0]?.embeddingsSD.data ?? [])]).toEqual([
      ...[30, 1],
      ...[5, 1, 5, 1],
      ...[25, 1, 26, 1],
    ]);
    expect(engine.passes[0]?.rows).toEqual([1, 2]);
    expect(answerTokens(canvas)).toEqual([20, 21, 25, 26]);
  });

  test("the mask is never chosen when serving; in the reference it spends a reveal and leaves a hole", async () => {
    const network: FakeLogits = (_, position) => {
      const row = oneHot(COLUMNS, fakeSpecial.mask, position === 1 ? 9 : 1);
      row[20] = 0.5;
      return row;
    };
    const served = await runDecoding(fakeEngine(network, architecture), { length: 1 });
    expect(answerTokens(served.canvas)).toEqual([20]);
    const reference = await runDecoding(fakeEngine(network, architecture), {
      length: 1,
      steps: 3,
      policy: referencePolicy,
    });
    expect(answerTokens(reference.canvas)).toEqual([fakeSpecial.mask]);
    expect(reference.steps.map(({ reveals }) => reveals.length)).toEqual([1, 0, 0]);
  });

  test("masks written in the prompt compete in the reference only", async () => {
    const prompt = [fakeSpecial.mask];
    const network = wanting([20, 21], [0, 0]);
    const served = await runDecoding(fakeEngine(network, architecture), { length: 2, prompt });
    expect(served.steps.flatMap(({ reveals }) => reveals.map(({ position }) => position))).toEqual([
      0, 1,
    ]);
    const { steps, canvas } = await runDecoding(
      fakeEngine((_, position) => oneHot(COLUMNS, 20, position === 0 ? 9 : 5), architecture),
      { length: 2, prompt, policy: referencePolicy },
    );
    expect(steps.flatMap(({ reveals }) => reveals.map(({ position }) => position))).toEqual([
      -1, 0,
    ]);
    expect(answerTokens(canvas)).toEqual([20, fakeSpecial.mask]);
  });

  test("guidance asks a second time with masks for a prompt and takes two passes", async () => {
    const engine = fakeEngine(wanting([20], [0]), architecture);
    const { steps } = await runDecoding(engine, { length: 1, guidanceScale: 0.5 });
    const guidance = engine.passes[0]?.guidance;
    expect(guidance?.scale).toBe(0.5);
    expect([...(guidance?.unconditionalSD.data ?? [])]).toEqual([5, 1, 5, 1]);
    expect(steps[0]?.forwardPasses).toBe(2);
  });

  test("the same seed gives the same answer at a temperature, another seed another", async () => {
    const answers = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const engine = fakeEngine(restless(4), architecture);
        const setup = { length: 8, temperature: 3, uniform: mulberry32(seed) };
        return answerTokens((await runDecoding(engine, setup)).canvas);
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).not.toEqual(answers[2]);
  });

  test("an abort rejects with its reason and leaves the canvas of the last step", async () => {
    const abort = new AbortController();
    const engine = fakeEngine(wanting([20, 21], [2, 1]), architecture);
    const { steps, canvas } = await startDecoding(engine, { length: 2, signal: abort.signal });
    await steps.next();
    abort.abort(new Error("the caller went away"));
    await expect(steps.next()).rejects.toThrow("the caller went away");
    expect(answerTokens(canvas)).toEqual([20, fakeSpecial.mask]);
    expect(engine.passes).toHaveLength(1);
  });

  test("leaving the loop asks the network nothing more", async () => {
    const engine = fakeEngine(wanting([20, 21], [2, 1]), architecture);
    const { steps } = await startDecoding(engine, { length: 2 });
    for await (const _ of steps) break;
    expect(engine.passes).toHaveLength(1);
  });

  test.each([
    { length: 4, blockLength: 3, steps: 4 },
    { length: 4, blockLength: 2, steps: 3 },
  ])("sizes that do not divide are a RangeError: $length, $blockLength, $steps", async (setup) => {
    const engine = fakeEngine(wanting([], []), architecture);
    await expect(runDecoding(engine, setup)).rejects.toThrow(RangeError);
  });
});

describe("decode with a kept prefix", () => {
  const shape = fc
    .record({
      blocks: fc.integer({ min: 1, max: 3 }),
      blockLength: fc.integer({ min: 1, max: 8 }),
      stepsPerBlock: fc.integer({ min: 1, max: 8 }),
      refresh: fc.integer({ min: 1, max: 6 }),
      seed: fc.integer(),
    })
    .map(({ blocks, blockLength, stepsPerBlock, refresh, seed }) => ({
      seed,
      refresh: { kind: "every", steps: refresh } as const,
      length: blocks * blockLength,
      blockLength,
      steps: blocks * stepsPerBlock,
    }));

  /** A network whose prompt is as it was when it was computed: half of what a position says hangs on that. */
  function remembering(seed: number): FakeLogits {
    const now = restless(seed);
    const then = restless(seed + 1);
    return (sequence, position, refreshed) => {
      const kept = then(refreshed, position, refreshed);
      return Float64Array.from(now(sequence, position, refreshed)).map(
        (value, column) => value + (kept[column] ?? 0),
      );
    };
  }

  test("the prompt is computed at the first step and every R steps over the whole answer, and canvas and suffix alone otherwise", async () => {
    const suffixes = fc.array(fc.integer({ min: 6, max: 31 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(shape, suffixes, async ({ seed, ...setup }, suffix) => {
        const engine = fakeEngine(remembering(seed), architecture);
        const prompt = [30, 31, 29];
        const { steps } = await runDecoding(engine, { ...setup, prompt, suffix });
        const window = setup.length + suffix.length;
        for (const { number, refresh, rows } of steps) {
          const isRefresh = (number - 1) % setup.refresh.steps === 0;
          expect(refresh).toBe(isRefresh ? "whole" : "none");
          expect(rows).toBe(isRefresh ? window + prompt.length : window);
        }
        expect(engine.passes.map(({ prefix }) => prefix?.length)).toEqual(steps.map(() => 3));
        expect(engine.openPrefixes()).toBe(0);
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  test("computed at every step it is the exact decoding", async () => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ seed, refresh: _, ...setup }) => {
        const exact = await runDecoding(fakeEngine(remembering(seed), architecture), setup);
        const cached = await runDecoding(fakeEngine(remembering(seed), architecture), {
          ...setup,
          refresh: { kind: "every", steps: 1 },
        });
        expect(cached.steps).toEqual(exact.steps);
      }),
      { seed: 6, numRuns: 30 },
    );
  });

  test("what the prompt says between two refreshes is what it said at the last one", async () => {
    const seen: number[][] = [];
    const engine = fakeEngine((_, position, refreshed) => {
      seen.push([...refreshed]);
      return oneHot(COLUMNS, 20 + position, 5 + position);
    }, architecture);
    await runDecoding(engine, { length: 4, refresh: { kind: "every", steps: 2 } });
    const mask = fakeSpecial.mask;
    const byPass = [seen[0], seen[4], seen[7], seen[9]];
    expect(byPass).toEqual([
      [30, mask, mask, mask, mask],
      [30, mask, mask, mask, mask],
      [30, mask, mask, 23, 24],
      [30, mask, mask, 23, 24],
    ]);
  });

  test("in the reference a finished block is a part of the prefix, and each begins with a refresh", async () => {
    const engine = fakeEngine(remembering(1), architecture);
    const { steps } = await runDecoding(engine, {
      length: 8,
      blockLength: 4,
      steps: 8,
      refresh: { kind: "every", steps: 3 },
      policy: referencePolicy,
    });
    expect(steps.map(({ rows }) => rows)).toEqual([9, 8, 8, 9, 9, 4, 4, 9]);
  });

  test("halved refreshes compute the deep layers of every second one", async () => {
    const engine = fakeEngine(remembering(1), architecture);
    const { steps } = await runDecoding(engine, {
      length: 6,
      prompt: [30, 31, 29, 28],
      refresh: { kind: "every", steps: 2 },
      halvesRefreshes: true,
    });
    expect(steps.map(({ refresh }) => refresh)).toEqual([
      ...["whole", "none", "deep", "none", "whole", "none"],
    ]);
    expect(steps.map(({ rows }) => rows)).toEqual([10, 6, 8, 6, 10, 6]);
  });

  test("whoever leaves, or meets a fault, leaves no prefix behind", async () => {
    const setup = { length: 4, refresh: { kind: "every", steps: 2 } } as const;
    const left = fakeEngine(remembering(1), architecture);
    const { steps } = await startDecoding(left, setup);
    for await (const _ of steps) {
      expect(left.openPrefixes()).toBe(1);
      break;
    }
    expect(left.openPrefixes()).toBe(0);
    const faulty = fakeEngine(() => oneHot(COLUMNS, 20, Number.NaN), architecture);
    await expect(runDecoding(faulty, setup)).rejects.toThrow();
    expect(faulty.openPrefixes()).toBe(0);
    const aborted = fakeEngine(remembering(1), architecture);
    const leaving = new AbortController();
    const started = await startDecoding(aborted, { ...setup, signal: leaving.signal });
    await started.steps.next();
    leaving.abort(new Error("gone"));
    await expect(started.steps.next()).rejects.toThrow("gone");
    expect(aborted.openPrefixes()).toBe(0);
  });
});

describe("decode by entropy", () => {
  const commit = { kind: "entropy", bound: 0.1, gaps: [7.5, 5, 2.5], ends: [4] } as const;

  test("never takes more steps than there are, and fills the canvas", async () => {
    const shape = fc.record({
      blocks: fc.integer({ min: 1, max: 3 }),
      blockLength: fc.integer({ min: 1, max: 8 }),
      steps: fc.integer({ min: 1, max: 8 }),
      sharpness: fc.constantFrom(1, 3, 12),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ blocks, blockLength, steps, sharpness, seed }) => {
        const network: FakeLogits = (...asked) =>
          Float64Array.from(restless(seed)(...asked)).map((value) => value * sharpness);
        const setup = { length: blocks * blockLength, blockLength, steps: blocks * steps };
        const found = await runDecoding(fakeEngine(network, architecture), {
          ...setup,
          commit,
          stops: [[4]],
          refresh: { kind: "by_commits", commits: Math.ceil(setup.length / 2), steps: 8 },
        });
        expect(found.steps.length).toBeLessThanOrEqual(setup.steps);
        let left = setup.length;
        for (const { reveals, schedule, step, reason } of found.steps) {
          const planned = Math.min(schedule[step]!, left);
          if (reason === "schedule") expect(reveals.length).toBeLessThanOrEqual(planned);
          else expect(reveals.length).toBeGreaterThanOrEqual(1);
          left -= reveals.length;
        }
        expect(answerTokens(found.canvas)).not.toContain(fakeSpecial.mask);
      }),
      { seed: 8, numRuns: 80 },
    );
  });

  test("a clear answer is written at once, and says so", async () => {
    const engine = fakeEngine(wanting([20, 21, 22], [5, 5, 5]), architecture);
    const { steps } = await runDecoding(engine, { length: 3, commit });
    expect(steps.map(({ reason }) => reason)).toEqual(["early"]);
  });
});
