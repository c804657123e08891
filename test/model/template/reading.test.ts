import { describe, expect, test } from "vitest";
import { type ClosedReading, jsonObject } from "#domain/field-reading.ts";
import type { ChoiceField } from "#domain/fields.ts";
import { distribution } from "#model/template/distribution.ts";
import { isTruncated, readClosed } from "#model/template/reading.ts";
import { expectValidAnswers } from "../../support/random-answers.ts";

const FILLER = 0;

describe("an answer of fields", () => {
  test("always parses and is what its fields allow, whatever the model thinks", () => {
    expectValidAnswers({ seed: 1, numRuns: 150 });
  });

  test("has its fields in the order of the request, names that look like numbers and like prototypes too", () => {
    const values = [
      ["b", true],
      ["10", null],
      ["__proto__", false],
      ["2", true],
    ] as const;
    expect(jsonObject(values)).toBe('{"b":true,"10":null,"__proto__":false,"2":true}');
  });
});

describe("a closed field", () => {
  const kind: ChoiceField = {
    type: "choice",
    options: [{ value: "owl" }, { value: "cat" }],
    none: true,
  };
  const read = (probabilities: readonly number[], below = 0): ClosedReading => {
    const scores = probabilities.map(Math.log);
    return readClosed(kind, { distribution: distribution(scores), scores }, below);
  };

  test("is its likeliest option, with the probability of each", () => {
    expect(read([0.5, 0.2, 0.1])).toMatchObject({
      ...{ value: "owl", guess: "owl", abstained: false },
      probability: expect.closeTo(0.625, 9),
      labelMass: expect.closeTo(0.8, 9),
      pNone: expect.closeTo(0.125, 9),
    });
  });

  test("is null where none of its options is likelier than any of them, and guesses all the same", () => {
    expect(read([0.1, 0.3, 0.6])).toMatchObject({ value: null, guess: "cat", abstained: false });
  });

  test("abstains below the probability that is asked for, and guesses all the same", () => {
    expect(read([0.5, 0.4, 0.1], 0.7)).toMatchObject({
      value: null,
      guess: "owl",
      abstained: true,
    });
    expect(read([0.8, 0.1, 0.1], 0.7)).toMatchObject({ value: "owl", abstained: false });
  });

  test("that is a boolean tells the probability of true, and is as sure as its likelier side", () => {
    const scores = [Math.log(0.2), Math.log(0.6)];
    const reading = readClosed(
      { type: "boolean" },
      { distribution: distribution(scores), scores },
      0,
    );
    expect(reading).toMatchObject({
      value: false,
      probability: expect.closeTo(0.25, 9),
      confidence: expect.closeTo(0.75, 9),
    });
  });

  test("that is a score has the mean of its levels", () => {
    const levels = ["new", "used", "broken"].map((value) => ({ value }));
    const options = { distribution: distribution([0.2, 0.5, 0.3].map(Math.log)) };
    expect(readClosed({ type: "score", levels }, options, 0)).toMatchObject({
      ...{ value: "used", labelMass: null },
      score: expect.closeTo(1.1, 9),
    });
  });
});

describe("a text", () => {
  test.each([
    ["has room left", [20, FILLER], "A ca", false],
    ["ends like a sentence", [20, 21], "A cat.", false],
    ["ends like one in quotes", [20, 21], "It says “no!”", false],
    ["ends like one in Japanese", [20, 21], "猫です。", false],
    ["ends in a word", [20, 21], "A ca", true],
  ])("that %s is cut off or not", (_, tokens, text, isCut) => {
    expect(isTruncated(tokens, FILLER, text)).toBe(isCut);
  });
});
