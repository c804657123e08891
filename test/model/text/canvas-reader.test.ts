import { describe, expect, test } from "vitest";
import { createCanvasReader } from "#model/text/canvas-reader.ts";
import { fakeSpecial } from "../../support/fake-engine.ts";
import { FIRST_BYTE, fakeTokenizer } from "../../support/fake-tokenizer.ts";
import { FIRST_WORD, wordTokenizer } from "../../support/word-tokenizer.ts";

const { mask, endOfTurn } = fakeSpecial;
const ends = [endOfTurn];

/** Reads a canvas of words, `null` where nothing is written and "/" where the turn ends. */
function read(canvas: readonly (string | null)[], stops: readonly string[] = []) {
  const words = canvas.filter((word) => word !== null);
  const tools = { tokenizer: wordTokenizer(words), mask, ends };
  const ids = canvas.map((word) => {
    if (word === null) return mask;
    return word === "/" ? endOfTurn : FIRST_WORD + words.indexOf(word);
  });
  return createCanvasReader(tools, stops)(ids);
}

describe("where an answer ends in its text", () => {
  test.each([
    ["at the start of a token", ["A", " dog", null, null], [" dog"], 1],
    ["in the middle of a token: that token is its last", ["A", " dog", null, null], ["dog"], 2],
    ["across tokens", ["A", " do", "gs", null], ["dog"], 2],
    ["across tokens, the first of them whole", ["A ", "do", "gs", null], ["dog"], 1],
    ["at its first place of several", ["dog", " dog", null, null], ["dog"], 0],
    ["at the first of several stops, whatever their order", ["a", "b", "c", null], ["c", "b"], 1],
    [
      "behind a hole: what stands before it is still written",
      [null, null, " dog.", null],
      ["g."],
      3,
    ],
    ["in none of two halves that a hole keeps apart", ["do", null, "g", null], ["dog"], undefined],
    ["at the end of the turn before it", ["A", "/", "dog", null], ["dog"], 1],
    ["before the end of the turn", ["A dog", "s", "/", null], ["dog"], 1],
    ["not at half a surrogate pair", ["🐶", "🐱", null, null], ["\ud83d", "\udc31"], undefined],
    ["not at nothing", ["A", null, null, null], [""], undefined],
    [
      "not in another normal form: text is compared as it is",
      ["e\u0301", null, null, null],
      ["é"],
      undefined,
    ],
  ])("a stop %s", (_, canvas, stops, stopAt) => {
    expect(read(canvas, stops).stopAt).toBe(stopAt);
  });

  test("a stop is not looked for in bytes that a hole may still make a character of", () => {
    const [first = 0, second = 0] = fakeTokenizer.encode("é");
    const reader = createCanvasReader({ tokenizer: fakeTokenizer, mask, ends }, ["\uFFFD"]);
    expect(reader([first, mask]).stopAt).toBeUndefined();
    expect(reader([mask, second]).stopAt).toBeUndefined();
    expect(reader([first, second]).stopAt).toBeUndefined();
    expect(reader([first, FIRST_BYTE + 0x61]).stopAt).toBe(1);
  });
});

describe("the text below the mark is final", () => {
  test.each([
    ["up to the first hole", ["A", " dog", null, "x"], [], 2],
    ["but not a token in which a stop may begin", ["A", " d", null, null], ["dog"], 1],
    ["nor any that it may reach back to", ["x", "d", "o", null], ["dog"], 1],
    ["once the stop cannot come any more", ["A", " d", "ig", null], ["dog"], 3],
    ["up to the token in which a stop begins", ["A", " dog", null, null], ["dog"], 1],
    ["up to the end of the turn", ["A", "/", null, null], ["A dog"], 1],
    [
      "up to the end of the canvas, where no stop can come any more",
      ["A", "b", "c", "do"],
      ["dog"],
      4,
    ],
    ["not at all before a hole at the start", [null, "b", "c", "d"], [], 0],
  ])("%s", (_, canvas, stops, stableUntil) => {
    expect(read(canvas, stops).stableUntil).toBe(stableUntil);
  });

  test("but not the bytes of a character that is not whole yet", () => {
    const ids = fakeTokenizer.encode("a€");
    const reader = createCanvasReader({ tokenizer: fakeTokenizer, mask, ends }, []);
    const marks = [1, 2, 3, 4].map((length) => {
      const canvas = [...ids.slice(0, length), ...Array<number>(5 - length).fill(mask)];
      return reader(canvas).stableUntil;
    });
    expect(marks).toEqual([1, 1, 1, 4]);
  });
});

describe("it is certain that the model wrote text", () => {
  test.each([
    ["once a text token stands before all holes", ["A", null], true],
    ["even if a stop leaves nothing of it", ["dog", null], true],
    ["not by a token behind a hole, before which the turn may end", [null, "A"], false],
    ["not by a token behind the end of the turn", ["/", "A"], false],
    ["by white space, which is text", [" ", null], true],
  ])("%s", (_, canvas, hasText) => {
    expect(read(canvas, ["dog"]).hasText).toBe(hasText);
  });
});
