import { describe, expect, test } from "vitest";
import { decodingOf, defaultDecoding, type SpecialTokens } from "#domain/architecture.ts";

const special: SpecialTokens = {
  endOfText: 0,
  beginOfText: 1,
  startHeader: 2,
  endHeader: 3,
  endOfTurn: 4,
  mask: 5,
};

describe("rules of decoding", () => {
  test("of a model with eyes: four ids are never written, the canvas is one block", () => {
    const { suppressed, blockLength } = defaultDecoding(special, true);
    expect(suppressed.toSorted()).toEqual([0, 1, 2, 3]);
    expect(blockLength).toBeUndefined();
  });

  test("of a text-only model: every id may be written, in blocks of 32", () => {
    expect(defaultDecoding(special, false)).toEqual({ suppressed: [], blockLength: 32 });
  });

  test("of a model from before they were told are LLaDA-V's, whatever it has", () => {
    expect(decodingOf({ special })).toEqual(defaultDecoding(special, true));
    const told = { suppressed: [7], blockLength: 8 };
    expect(decodingOf({ special, decoding: told })).toEqual(told);
  });
});
