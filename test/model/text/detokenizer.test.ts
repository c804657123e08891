import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canvasText, textPieces } from "#model/text/detokenizer.ts";
import { fakeSpecial } from "../../support/fake-engine.ts";
import { FIRST_BYTE, fakeTokenizer } from "../../support/fake-tokenizer.ts";

const { mask, endOfTurn } = fakeSpecial;

describe("canvasText", () => {
  test("holes and special tokens leave nothing", () => {
    const ids = [...fakeTokenizer.encode("a"), mask, ...fakeTokenizer.encode("b"), endOfTurn];
    expect(canvasText(ids, mask, fakeTokenizer)).toBe("ab");
  });

  test("a hole in the middle of a character does not join its halves", () => {
    const [first = 0, second = 0] = fakeTokenizer.encode("é");
    expect(canvasText([first, mask, second], mask, fakeTokenizer)).toBe("\uFFFD\uFFFD");
  });
});

describe("textPieces", () => {
  test("a character spread over tokens is carried by its last one", () => {
    expect(textPieces(fakeTokenizer.encode("a€b"), mask, fakeTokenizer)).toEqual([
      "a",
      "",
      "",
      "€",
      "b",
    ]);
  });

  test("the pieces in order are the text, holes and broken bytes included", () => {
    const byte = fc.integer({ min: FIRST_BYTE, max: FIRST_BYTE + 255 });
    const text = fc
      .string({ unit: "grapheme", maxLength: 3 })
      .map((each) => fakeTokenizer.encode(each));
    const piece = fc.oneof(
      text,
      fc.constantFrom([mask], [endOfTurn]),
      byte.map((id) => [id]),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const ids = pieces.flat();
        const found = textPieces(ids, mask, fakeTokenizer);
        expect(found).toHaveLength(ids.length);
        expect(found.join("")).toBe(canvasText(ids, mask, fakeTokenizer));
      }),
    );
  });
});
