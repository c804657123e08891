import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distribution, joinChunks, labelMass } from "#model/template/distribution.ts";
import { type OptionPlan, planOptions } from "#model/template/options.ts";
import { FIRST_WORD, wordTokenizer } from "../../support/word-tokenizer.ts";

/** Words are whole tokens where they stand alone, as byte pairs do it: the longest match from the left. */
function greedy(words: readonly string[]): (text: string) => number[] {
  const { encode } = wordTokenizer(words);
  return (text) => {
    const ids: number[] = [];
    for (let rest = text; rest !== ""; ) {
      const known = words
        .filter((word) => rest.startsWith(word))
        .sort((one, other) => other.length - one.length)[0];
      const piece = known ?? [...rest][0]!;
      ids.push(...(known === undefined ? encode(piece) : [FIRST_WORD + words.indexOf(known)]));
      rest = rest.slice(piece.length);
    }
    return ids;
  };
}

function planned(lines: readonly string[], encode: (text: string) => number[]): OptionPlan {
  const plan = planOptions(lines, encode);
  if (!("groups" in plan)) throw new Error(`${plan.first} and ${plan.second} are the same`);
  return plan;
}

describe("a slot", () => {
  const encode = greedy([" dog", " cat", "kind:", "\n"]);

  test("holds the tokens in which the lines differ, and pins the others", () => {
    const plan = planned(["kind: dog\n", "kind: cat\n"], encode);
    expect(plan).toEqual({
      before: [FIRST_WORD + 2],
      groups: [
        {
          length: 1,
          options: [
            { index: 0, tokens: [FIRST_WORD] },
            { index: 1, tokens: [FIRST_WORD + 1] },
          ],
        },
      ],
      after: [FIRST_WORD + 3],
    });
  });

  test("has a group for each length, since one canvas can hold options of one length alone", () => {
    const { groups } = planned(["kind: dog\n", "kind: ox\n", "kind: cat\n"], encode);
    expect(
      groups.map(({ length, options }) => [length, options.map(({ index }) => index)]),
    ).toEqual([
      [1, [0, 2]],
      [3, [1]],
    ]);
  });

  test("is never empty, even where one option begins or ends as another is", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.string({ unit: fc.constantFrom("a", "b", "🐈"), minLength: 1, maxLength: 5 }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        (texts) => {
          const lines = texts.map((text) => `x${text}y`);
          const { before, after, groups } = planned(lines, encode);
          const told = groups.flatMap(({ options }) => options);
          expect(told.map(({ index }) => index).toSorted()).toEqual([...texts.keys()]);
          for (const { index, tokens } of told) {
            expect(tokens.length).toBeGreaterThan(0);
            expect([...before, ...tokens, ...after]).toEqual(encode(lines[index]!));
          }
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  test("cannot tell options with the same tokens apart", () => {
    expect(planOptions(["a", "b", "a"], encode)).toEqual({ first: 0, second: 2 });
  });
});

describe("a distribution", () => {
  const scores = fc.array(
    fc.integer({ min: -60_000, max: 0 }).map((thousandths) => thousandths / 1000),
    {
      minLength: 1,
      maxLength: 255,
    },
  );

  test("sums to 1 within 10⁻⁶ and has its first maximum as its best, whatever the temperature", () => {
    fc.assert(
      fc.property(scores, fc.double({ min: 0.05, max: 20, noNaN: true }), (of, temperature) => {
        const { probabilities, best, confidence } = distribution(of, { temperature });
        expect(Math.abs(total(probabilities) - 1)).toBeLessThan(1e-6);
        expect(best).toBe(of.indexOf(Math.max(...of)));
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test("takes off what the words are worth without looking", () => {
    const { best, probabilities } = distribution([-1, -1.2], { bias: [-0.5, -2] });
    expect(best).toBe(1);
    expect(probabilities[1]).toBeCloseTo(1 / (1 + Math.exp(-1.3)), 12);
  });

  test("of equal scores has no confidence; of one option all of it", () => {
    expect(distribution([-3, -3, -3]).confidence).toBeCloseTo(0, 12);
    expect(distribution([-40]).confidence).toBe(1);
    expect(distribution([0, -1000]).confidence).toBe(1);
  });

  test("of chunks of options and of their winners is one of all options", () => {
    fc.assert(
      fc.property(fc.array(scores, { minLength: 2, maxLength: 10 }), (chunks) => {
        const parts = chunks.map((of) => distribution(of));
        const winners = distribution(chunks.map((of) => Math.max(...of)));
        const joined = joinChunks(parts, winners);
        expect(joined.probabilities).toHaveLength(chunks.flat().length);
        expect(Math.abs(total(joined.probabilities) - 1)).toBeLessThan(1e-6);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test("says how much of the vocabulary's probability the options had", () => {
    expect(labelMass([Math.log(0.25), Math.log(0.5)])).toBeCloseTo(0.75, 12);
    expect(labelMass([0, Math.log(1e-7)])).toBe(1);
  });

  function total(probabilities: readonly number[]): number {
    return probabilities.reduce((sum, p) => sum + p, 0);
  }
});
