import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { KeptPrefix, prefixBytesPerPosition } from "#engine/passes/kept-prefix.ts";
import { createPrefixBudget } from "#engine/passes/prefix-budget.ts";
import type { ForwardPass } from "#model/engine.ts";
import { oddArchitecture } from "../../support/random-model.ts";

const { language } = oddArchitecture;
const bytes = (positions: number): number => positions * prefixBytesPerPosition(language);
const embeddingsSD = tensor([1, language.hiddenSize], new Float32Array(language.hiddenSize));

function pass(kept: KeptPrefix | undefined, length = 0, isGuided = false): ForwardPass {
  return {
    ...{ embeddingsSD, rows: [0], suppressed: [] },
    ...(kept === undefined ? {} : { prefix: { kept, length, refresh: "whole" } }),
    ...(isGuided ? { guidance: { unconditionalSD: embeddingsSD, scale: 1 } } : {}),
  };
}

describe("the memory that prefixes share", () => {
  const [one, other] = [1, 2].map((shelf) => new KeptPrefix(shelf, () => undefined));

  test("has room for several that fit together, and for none beyond it until one is cleared", () => {
    const budget = createPrefixBudget(language, bytes(100));
    expect(budget.positions).toBe(100);
    budget.hold(pass(one, 60));
    expect(budget.fits(pass(other, 40))).toBe(true);
    expect(budget.fits(pass(other, 41))).toBe(false);
    budget.free(1);
    expect(budget.fits(pass(other, 100))).toBe(true);
  });

  test("lets who holds some go on, and who keeps nothing", () => {
    const budget = createPrefixBudget(language, bytes(100));
    budget.hold(pass(one, 100));
    budget.hold(pass(one, 100));
    expect(budget.fits(pass(one, 100))).toBe(true);
    expect(budget.fits(pass(undefined))).toBe(true);
    expect(budget.fits(pass(other, 1))).toBe(false);
  });

  test("counts both sequences of a guided pass", () => {
    const budget = createPrefixBudget(language, bytes(100));
    budget.hold(pass(one, 40, true));
    expect(budget.fits(pass(other, 20))).toBe(true);
    expect(budget.fits(pass(other, 21))).toBe(false);
  });

  test("never keeps out the only one: what is too large for all was refused before", () => {
    const budget = createPrefixBudget(language, bytes(10));
    expect(budget.fits(pass(one, 11))).toBe(true);
  });
});
