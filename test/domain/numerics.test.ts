import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PLACES_A_MAKING, placeInStream } from "#domain/event.ts";
import {
  isSameNumerics,
  MAX_NUMERICS_LENGTH,
  type NumericsClass,
  numericsPart,
  numericsText,
  parseNumerics,
} from "#domain/numerics.ts";
import { MAX_CANVAS } from "#wire/limits.ts";

const part = fc.stringMatching(/^[a-z0-9._+-]{1,64}$/);
const classes: fc.Arbitrary<NumericsClass> = fc.record({
  ...{ provider: part, runtime: part, kernels: part, rows: part, model: part },
});

describe("a numerics class", () => {
  test("has one text, which reads back as the same class", () => {
    fc.assert(
      fc.property(classes, (numerics) => {
        const text = numericsText(numerics);
        expect(parseNumerics(text)).toEqual(numerics);
        expect(text.length).toBeLessThanOrEqual(MAX_NUMERICS_LENGTH);
      }),
    );
  });

  test("is the same as another exactly where their texts are", () => {
    fc.assert(
      fc.property(classes, classes, (one, other) => {
        expect(isSameNumerics(one, one)).toBe(true);
        expect(isSameNumerics(one, other)).toBe(numericsText(one) === numericsText(other));
      }),
    );
  });

  test.each(["provider", "runtime", "kernels", "rows", "model"] as const)(
    "is another where the %s is",
    (name) => {
      const numerics = { provider: "a", runtime: "b", kernels: "c", rows: "d", model: "e" };
      expect(isSameNumerics(numerics, { ...numerics, [name]: "z" })).toBe(false);
    },
  );

  test("is not written with a part that would read as another class, and not read from any other text", () => {
    const numerics = { provider: "a/b", runtime: "b", kernels: "c", rows: "d", model: "e" };
    expect(() => numericsText(numerics)).toThrow(RangeError);
    for (const text of [
      "",
      "a/b/c/d",
      "a/b/c/d/e/f",
      "a/b/c/d/",
      "a/B/c/d/e",
      `a/${"b".repeat(65)}/c/d/e`,
    ])
      expect(parseNumerics(text)).toBeUndefined();
  });

  test("takes any device's name as a part", () => {
    expect(numericsPart("NVIDIA H100 80GB HBM3")).toBe("nvidia-h100-80gb-hbm3");
    expect(numericsPart("  (™) ")).toBe("unknown");
    fc.assert(
      fc.property(fc.string(), (name) => {
        const numerics = { provider: "a", runtime: "b", rows: "d", model: "e" };
        expect(() => numericsText({ ...numerics, kernels: numericsPart(name) })).not.toThrow();
      }),
    );
  });
});

test("a place in a stream is of one making: no canvas has as many steps as a making has places", () => {
  expect(MAX_CANVAS + 1).toBeLessThan(PLACES_A_MAKING);
  expect(placeInStream(1, 0)).toBeGreaterThan(placeInStream(0, MAX_CANVAS + 1));
});
