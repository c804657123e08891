import { describe, expect, test } from "vitest";
import { CPU_FORM, formFor, memoryNeeded, SMALL_FORM } from "#weights/format-choice.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";

const real = synthArchitecture("llada-v-8b");

describe("the form of weights for so much memory", () => {
  test("of the 8B is int8 from 11 GB on, 4 bits from 8, and nothing for 7", () => {
    expect(formFor(real, 11e9)).toEqual({ format: "w8a8" });
    expect(formFor(real, 10e9)).toMatchObject({ format: "q4" });
    expect(formFor(real, 8e9)).toMatchObject({ format: "q4" });
    expect(formFor(real, 7e9)).toBeUndefined();
  });

  test("fits exactly from the byte on that it needs", () => {
    for (const form of [CPU_FORM, SMALL_FORM]) {
      const needed = Math.ceil(memoryNeeded(real, form));
      expect(formFor(real, needed)).toEqual(form);
      expect(formFor(real, needed - 1)).not.toEqual(form);
    }
  });
});
