import { describe, expect, test } from "vitest";
import { heldBack, readAnswer, stopIndex, UNWRITTEN } from "#domain/answer-text.ts";
import type { AnswerFrame } from "#domain/event.ts";
import { tokensSoFar, untouched } from "#domain/told-so-far.ts";

function tokens(...pieces: readonly (string | null)[]) {
  return pieces.flatMap((text, position) =>
    text === null ? [] : [{ position, token: 1, text, confidence: 0.5, step: 1 }],
  );
}

function frame(step: number, fields: Partial<AnswerFrame>): AnswerFrame {
  return { kind: "answer.frame", step, revealed: [], stableUntil: 0, ...fields };
}

describe("an answer's text", () => {
  test.each([
    [
      "is its pieces as they are, white space at both ends included",
      tokens("\n", " A", "  "),
      "\n A  ",
    ],
    [
      "keeps words apart where something between them is missing",
      tokens("A", null, "dog"),
      "A dog",
    ],
    [
      "adds nothing to white space that is there",
      tokens("A", null, " dog", null, "s "),
      "A dog s ",
    ],
    ["adds nothing before its first piece or behind its last", tokens(null, "A", null, ""), "A"],
    ["ends before a stop that a gap made", tokens("a d", null, "g"), "a "],
  ])("%s", (_, all, text) => {
    expect(readAnswer(all, { stop: ["d g"] }).answer).toBe(text);
  });

  test("ends before the first stop text, and its last token with it; the suffix follows and is not looked at", () => {
    const { answer, tokens: kept } = readAnswer(tokens("A", "", " do", "gs.", "", "x"), {
      ...{ stop: ["s.", "og"], suffix: " dogs." },
    });
    expect(answer).toBe("A d dogs.");
    expect(kept.map(({ text }) => text)).toEqual(["A", "", " d"]);
  });

  test("of no token is empty, and has no suffix either", () => {
    expect(readAnswer([], { stop: [], suffix: "!" })).toEqual(UNWRITTEN);
  });

  test("at a deadline before anybody looked at the question is empty, and nothing ran", () => {
    expect(untouched(32)).toEqual({
      ...UNWRITTEN,
      usage: {
        imageVectors: 0,
        promptLength: 0,
        canvas: 32,
        steps: 0,
        forwardPasses: 0,
        refreshes: 0,
        rows: 0,
      },
    });
  });

  test("is as sure as the geometric mean of what is left of it", () => {
    const all = tokens("a", "b").map((token, index) => ({
      ...token,
      confidence: index === 0 ? 0.9 : 0.5,
    }));
    expect(readAnswer(all, { stop: [] }).confidence).toBeCloseTo(Math.sqrt(0.45), 12);
    expect(readAnswer(all, { stop: ["b"] }).confidence).toBeCloseTo(0.9, 12);
  });
});

test("tokens so far have their newest texts, and none stands behind the end of the turn", () => {
  const [half, whole, behind] = tokens("", "\uFFFD", "junk");
  if (half === undefined || whole === undefined || behind === undefined) throw new Error("three");
  const frames = [
    frame(1, { revealed: [behind, whole] }),
    frame(2, { revealed: [half], revised: [{ position: 1, text: "é" }], turnEnd: 2 }),
    frame(3, {}),
  ];
  expect(tokensSoFar(frames.slice(0, 1)).map(({ text }) => text)).toEqual(["\uFFFD", "junk"]);
  expect(tokensSoFar(frames).map(({ text }) => text)).toEqual(["", "é"]);
});

test("a stop is the first of all of them, and half a surrogate pair is none", () => {
  expect(stopIndex("a dog and a cat", ["cat", "dog"])).toBe(2);
  expect(stopIndex("a dog and a dog", ["dog"], 3)).toBe(12);
  expect(stopIndex("🐶", ["\udc36", "", "cat"])).toBeUndefined();
});

test.each([
  ["A d", ["dog"], 1],
  ["A do", ["og", "dog"], 2],
  ["A dog", ["dog"], 0],
  ["aaa", ["aaab"], 3],
  ["", ["dog"], 0],
  ["A d", [], 0],
  ["🐶", ["🐶🐱"], 2],
] as const)("of %j, with the stops %j, %d units are held back", (text, stops, count) => {
  expect(heldBack(text, stops)).toBe(count);
});
