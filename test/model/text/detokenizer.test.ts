import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPieceReader } from "#model/text/detokenizer.ts";
import { fakeSpecial } from "../../support/fake-engine.ts";
import { FIRST_BYTE, fakeTokenizer } from "../../support/fake-tokenizer.ts";
import { FIRST_WORD, wordTokenizer } from "../../support/word-tokenizer.ts";

const { mask, endOfTurn } = fakeSpecial;
const ends = [endOfTurn];
const read = createPieceReader({ tokenizer: fakeTokenizer, mask, ends });

describe("the pieces of a canvas", () => {
  test("are undefined at holes, and empty for special tokens", () => {
    const ids = [...fakeTokenizer.encode("a"), mask, ...fakeTokenizer.encode("b"), endOfTurn];
    expect(read(ids)).toEqual(["a", undefined, "b", ""]);
  });

  test("a hole in the middle of a character, or the end of the turn, does not join its halves", () => {
    const [first = 0, second = 0] = fakeTokenizer.encode("é");
    expect(read([first, mask, second])).toEqual(["\uFFFD", undefined, "\uFFFD"]);
    expect(read([first, endOfTurn, second])).toEqual(["\uFFFD", "", "\uFFFD"]);
  });

  test("a character spread over tokens is carried by its last one", () => {
    expect(read(fakeTokenizer.encode("a€b"))).toEqual(["a", "", "", "€", "b"]);
  });

  test("a special token parts neither a character nor hides what never becomes one", () => {
    const [first = 0, second = 0] = fakeTokenizer.encode("é");
    const { startHeader } = fakeSpecial;
    expect(read([first, startHeader, second])).toEqual(["", "", "é"]);
    expect(read([first, startHeader, FIRST_BYTE + 0x61])).toEqual(["", "", "\uFFFDa"]);
    expect(read([first, startHeader])).toEqual(["", "\uFFFD"]);
  });

  test("a token that ends in the middle of a character tells what is whole at once", () => {
    const words = [Uint8Array.of(0x61, 0xe2), Uint8Array.of(0x82, 0xac, 0x62)];
    const tools = { tokenizer: wordTokenizer(words), mask, ends };
    expect(createPieceReader(tools)([FIRST_WORD, FIRST_WORD + 1])).toEqual(["a", "€b"]);
  });

  test("512 bytes that are no text are pieces of one character, each decoded beside its neighbour only", () => {
    let decoded = 0;
    const decode = (ids: readonly number[]): string => {
      decoded += ids.length;
      return fakeTokenizer.decode(ids);
    };
    const junk = Array<number>(512).fill(FIRST_BYTE + 0xff);
    const pieces = createPieceReader({ tokenizer: { decode }, mask, ends })(junk);
    expect(pieces.join("")).toBe("\uFFFD".repeat(512));
    expect(Math.max(...pieces.map((piece) => piece?.length ?? 0))).toBeLessThanOrEqual(2);
    expect(decoded).toBeLessThan(512 * 8);
  });

  test("in order are the text, whatever the bytes and wherever tokens begin", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 4 })
        .map((text) => new TextEncoder().encode(text)),
    );
    const cut = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 12 }), cut, (parts, lengths) => {
        const all = Uint8Array.from(parts.flatMap((part) => [...part]));
        const words: Uint8Array[] = [];
        for (let from = 0, turn = 0; from < all.length; turn++) {
          const length = lengths[turn % lengths.length] ?? 1;
          words.push(all.subarray(from, from + length));
          from += length;
        }
        const tools = { tokenizer: wordTokenizer(words), mask, ends };
        const pieces = createPieceReader(tools)(words.map((_, index) => FIRST_WORD + index));
        const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(all);
        expect(pieces.join("")).toBe(text);
      }),
      { seed: 9, numRuns: 1000 },
    );
  });
});
