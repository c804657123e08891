import { describe, expect, test } from "vitest";
import {
  CPU_FORM,
  formFor,
  GPU_FORM,
  memoryNeeded,
  SMALL_FORM,
  SMALL_GPU_FORM,
} from "#weights/format-choice.ts";
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

  test("of the 8B on a graphics card is 8 bits from 11 GB on, 4 bits in blocks of 32 from 7, and nothing for 6", () => {
    expect(formFor(real, 11e9, "gpu")).toEqual({ format: "q8" });
    expect(formFor(real, 10e9, "gpu")).toEqual({ format: "q4", block: 32 });
    expect(formFor(real, 7e9, "gpu")).toEqual({ format: "q4", block: 32 });
    expect(formFor(real, 6e9, "gpu")).toBeUndefined();
  });

  test("of a card is chosen by the card's memory alone: the embedding table stays out of it", () => {
    for (const form of [GPU_FORM, SMALL_GPU_FORM]) {
      const needed = Math.ceil(memoryNeeded(real, form, "gpu"));
      expect(formFor(real, needed, "gpu")).toEqual(form);
      expect(formFor(real, needed - 1, "gpu")).not.toEqual(form);
    }
  });
});
