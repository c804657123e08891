import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { METRICS, type Metric, pickedChoice, score } from "#cli/eval/scoring/metrics.ts";
import { vqaNormalised } from "#cli/eval/scoring/vqa.ts";

describe("exact", () => {
  test.each([
    ["A dog.", "a dog", 1],
    ["  A \n dog ", "a dog", 1],
    ["Cafe\u0301", "Caf\u00e9", 1],
    ["dog", "a dog", 0],
    ["a dog!", "a dog", 0],
    ["", "a dog", 0],
  ])("%j for %j scores %d", (answer, expected, value) => {
    expect(score("exact", answer, [expected])).toBe(value);
  });
});

describe("anls", () => {
  // Distances by hand; kitten → sitting is Levenshtein's own example, 3 of 7.
  test.each([
    ["kitten", "sitting", 1 - 3 / 7],
    ["Cinema", "cinima", 1 - 1 / 6],
    ["abcd", "abxy", 0],
    ["abcde", "abcxy", 1 - 2 / 5],
    ["", "", 1],
    ["", "a", 0],
  ])("%j for %j scores %d", (answer, expected, value) => {
    expect(score("anls", answer, [expected])).toBeCloseTo(value, 12);
  });

  test("counts a character outside the basic plane as one", () => {
    expect(score("anls", "🐕🐕🐕🐈", ["🐕🐕🐕🐕"])).toBe(0.75);
  });
});

describe("relaxed", () => {
  test.each([
    ["42", "40", 1],
    ["38", "40", 1],
    ["42.1", "40", 0],
    ["-42", "-40", 1],
    ["42", "-40", 0],
    ["10.2%", "0.1", 1],
    ["1.05e3", "1000", 1],
    ["0", "0", 1],
    ["0.01", "0", 0],
    ["1,000", "1000", 0],
    ["Brazil", "brazil.", 1],
    ["Brasil", "Brazil", 0],
  ])("%j for %j scores %d", (answer, expected, value) => {
    expect(score("relaxed", answer, [expected])).toBe(value);
  });
});

describe("words", () => {
  test.each([
    ["On a yellow background, a dog.", "A dog on a yellow background.", 1],
    ["A dog.", "A dog on a yellow background.", 2 / 6],
    ["A dog, a cat and a bird.", "A dog.", 2 / 7],
    ["dog dog dog", "a dog", 1 / 3],
    ["t-shirt", "a t-shirt", 1 / 2],
    ["", "a dog", 0],
  ])("%j for %j scores %d", (answer, expected, value) => {
    expect(score("words", answer, [expected])).toBeCloseTo(value, 12);
  });
});

describe("choice", () => {
  const choices = ["a dog", "a cat", "a bird"];
  test.each([
    ["B", 1],
    ["b.", 1],
    ["(B)", 1],
    ["B. a cat", 1],
    ["The answer is B.", 1],
    ["Answer: (b)", 1],
    ["A cat.", 1],
    ["It is a cat on a mat", 1],
    ["a dog and a cat", undefined],
    ["A dog", 0],
    ["a", 0],
    ["D", undefined],
    ["a horse", undefined],
    ["concatenate", undefined],
    ["The answer is a cat.", 1],
    ["**B**", 1],
    ["\\boxed{C}", 2],
    ["I think that B fits best, as it meows.", 1],
    ["It is not A but C", undefined],
    ["I would say it is round", undefined],
    ["A quick look tells nothing", undefined],
    ["", undefined],
  ])("%j means choice %j", (answer, picked) => {
    expect(pickedChoice(answer, choices)).toBe(picked);
  });

  test("tells choices apart that differ in case or a full stop alone, where it is given one to the letter", () => {
    const alike = ["AA", "Aa", "aa", "aa."];
    expect(alike.map((one) => pickedChoice(one, alike))).toEqual([0, 1, 2, 3]);
    expect(score("choice", "aa", ["C"], alike)).toBe(1);
    expect(score("choice", "AA", ["C"], alike)).toBe(0);
  });

  test("is right with the letter or the text of the expected choice alone", () => {
    expect(score("choice", "B", ["a cat"], choices)).toBe(1);
    expect(score("choice", "a cat", ["B"], choices)).toBe(1);
    expect(score("choice", "A", ["B"], choices)).toBe(0);
    expect(score("choice", "none of them", ["B"], choices)).toBe(0);
  });
});

describe("number", () => {
  test.each([
    ["12", "12", 1],
    ["It is 3 + 4 = 7.", "7", 1],
    ["7, since 3 + 4", "7", 0],
    ["The side is 2.46 cm", "2.5", 1],
    ["2.44", "2.5", 0],
    ["2.45", "2.5", 1],
    ["1,250", "1250", 1],
    ["-0.5", "-.5", 1],
    ["none", "0", 0],
    ["Red.", "red", 1],
  ])("%j for %j scores %d", (answer, expected, value) => {
    expect(score("number", answer, [expected])).toBe(value);
  });
});

describe("vqa", () => {
  const ten = [...Array(4).fill("2"), ...Array(3).fill("two"), "3", "3", "a few"];
  // By hand: with one match 9 of 10 nines hold it, 9 · 1/3 / 10; with two (8 · 2/3 + 2 · 1/3) / 10; seven are always three and more.
  test.each([
    ["2", 1],
    ["Two.", 1],
    ["3", 0.6],
    ["few", 0.3],
    ["5", 0],
  ])("%j scores %d of ten people's answers", (answer, value) => {
    expect(score("vqa", answer, ten)).toBeCloseTo(value, 12);
  });

  test("needs one match of three answers", () => {
    expect(score("vqa", "The red.", ["red", "blue", "blue"])).toBe(1);
    expect(score("vqa", "green", ["red", "blue", "blue"])).toBe(0);
  });

  // Source: what `processPunctuation` and `processDigitArticle` of vqaEval.py make of these.
  test.each([
    ["The red-and-white  car!", "red and white car"],
    ["1,000", "1000"],
    ["3.5", "3.5"],
    ["yes, it is.", "yes it is"],
    ["don't", "dont"],
    ["none", "0"],
  ])("%j is compared as %j", (text, normalised) => {
    expect(vqaNormalised(text)).toBe(normalised);
  });
});

describe("every metric", () => {
  test.each(METRICS.filter((metric) => metric !== "choice"))(
    "%s gives 1 for an expected answer, 0 … 1 for any, and the best of several",
    (metric: Metric) => {
      fc.assert(
        fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, other) => {
          expect(score(metric, one, [one])).toBe(1);
          const alone = score(metric, one, [other]);
          expect(alone).toBeGreaterThanOrEqual(0);
          expect(alone).toBeLessThanOrEqual(1);
          expect(score(metric, one, [other, one])).toBe(1);
        }),
      );
    },
  );
});
