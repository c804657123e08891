import { describe, expect, test } from "vitest";
import type { Answer } from "#client/answer-stream.ts";
import { elseText, stepText } from "#playground/canvas/cell-words.ts";
import {
  asOf,
  cellAt,
  closeFilm,
  confidenceBySteps,
  expose,
  hasWords,
  isBehindEnd,
  openFilm,
  stableText,
  sureness,
} from "#playground/canvas/film.ts";
import type { FrameBody } from "#wire/function/event-messages.ts";

function frame(step: number, fields: Partial<FrameBody>): FrameBody {
  const nothing = {
    revealed: [],
    revised: [],
    mean_confidence: 0,
    stable_until: 0,
    turn_end: null,
  };
  return { step, reason: "schedule", ...nothing, ...fields };
}

const token = (position: number, text: string, step: number, confidence = 0.9) => ({
  ...{ position, text, step, confidence },
  token: 100 + position,
});

/** What a canvas that was left after two steps says. */
const endings = [
  { text: "A", confidence: 0.5, step: 2 },
  { text: " dog", confidence: 0.8, step: 2 },
];

function answer(fields: Pick<Answer, "status" | "tokens"> & { readonly steps: number }): Answer {
  const { steps, ...rest } = fields;
  return { ...rest, usage: { canvas: 4, steps } } as unknown as Answer;
}

describe("a film of an answer", () => {
  const film = [
    frame(1, {}),
    // Nothing is told before it is certain that there is text; then all at once, each with its own step.
    frame(2, { revealed: [token(3, "", 1), token(1, " dog", 2)], turn_end: 3 }),
    frame(3, { revealed: [token(0, "A", 3)], stable_until: 2, turn_end: 3 }),
  ].reduce(expose, openFilm({ canvas: 4, steps: 4 }));

  test("shows at each step what that step and those before it wrote, whenever it was told", () => {
    const texts = (step: number) => [0, 1, 2, 3].map((place) => cellAt(film, place, step)?.text);
    expect(texts(0)).toEqual([undefined, undefined, undefined, undefined]);
    expect(texts(1)).toEqual([undefined, undefined, undefined, ""]);
    expect(texts(2)).toEqual([undefined, " dog", undefined, ""]);
    expect(texts(3)).toEqual(["A", " dog", undefined, ""]);
  });

  test("reads aloud only what cannot change any more", () => {
    expect(stableText(film)).toBe("A dog");
    expect(stableText(expose(film, frame(4, { stable_until: 4, turn_end: 1 })))).toBe("A");
  });

  test("takes a token's later text where a character became whole", () => {
    const revised = expose(film, frame(4, { revised: [{ position: 0, text: "Å" }] }));
    expect(cellAt(revised, 0, 4)?.text).toBe("Å");
  });

  test("knows what is behind the end of the answer", () => {
    expect([0, 2, 3].map((place) => isBehindEnd(film, place))).toEqual([false, false, true]);
  });

  test("has the mean confidence of each step, and 0 where one wrote nothing", () => {
    expect(confidenceBySteps(film)).toEqual([0.9, 0.9, 0.9]);
    expect(confidenceBySteps(expose(film, frame(4, {})))[3]).toBe(0);
  });

  test("has what else each place could have been, as it was told beside it", () => {
    const alternatives = [{ token: 9, text: " cat", confidence: 0.04 }];
    const told = frame(1, {
      revealed: [{ ...token(1, " dog", 1), alternatives }, token(0, "", 1)],
    });
    const seen = expose(openFilm({ canvas: 2, steps: 2 }), told);
    expect(seen.cells[1]?.alternatives).toEqual(alternatives);
    expect(stepText(seen, 1)).toBe(
      "Step 1 wrote the end (90 % sure), “ dog” (90 % sure; else “ cat” 4 %).",
    );
    expect(stepText(seen, 2)).toBe("Step 2 wrote nothing that is part of the answer.");
    expect(elseText({ alternatives: [{ text: "", confidence: 1e-9 }] })).toBe(
      "; else the end <0.1 %",
    );
    expect(elseText({ alternatives: [] })).toBe("");
  });

  test("shows where something is decided before its word is told, and the word at the step that decided it once it is", () => {
    const sealed = [
      frame(1, { sealed: [{ position: 3, confidence: 0.9 }], turn_end: 3 }),
      frame(2, { sealed: [{ position: 1, confidence: 0.8 }], turn_end: 2 }),
    ].reduce(expose, openFilm({ canvas: 4, steps: 4 }));
    expect(hasWords(sealed)).toBe(false);
    expect(cellAt(sealed, 1, 1)).toBeUndefined();
    expect(cellAt(sealed, 1, 2)).toMatchObject({ text: null, confidence: 0.8, step: 2 });
    expect([asOf(sealed, 1).turnEnd, asOf(sealed, 2).turnEnd]).toEqual([3, 2]);
    expect(stableText(sealed)).toBe("");
    const told = expose(
      sealed,
      frame(3, { revealed: [token(1, " dog", 2, 0.8), token(0, "A", 3)], turn_end: 2 }),
    );
    expect(hasWords(told)).toBe(true);
    expect(cellAt(told, 1, 2)).toMatchObject({ text: " dog", step: 2 });
    const cut = closeFilm(sealed, answer({ status: "cancelled", tokens: endings, steps: 2 }));
    expect(cut.cells[1]).toMatchObject({ text: " dog", step: 2, isGuess: false });
  });

  test("begins anew with an answer that does", () => {
    expect(openFilm({ canvas: 2, steps: 2 })).toMatchObject({
      step: 0,
      cells: [undefined, undefined],
    });
  });
});

describe("an answer that has ended", () => {
  const tokens = [
    { text: "A", confidence: 0.9, step: 2 },
    { text: " dog", confidence: 0.8, step: 1 },
  ];

  test("from the cache gives the whole film, though no frame was told", () => {
    const film = closeFilm(null, answer({ status: "completed", tokens, steps: 2 }));
    expect(film).toMatchObject({ size: 4, step: 2, turnEnd: 2, isOver: true });
    expect(cellAt(film, 0, 1)).toBeUndefined();
    expect(cellAt(film, 1, 1)).toMatchObject({ text: " dog", token: null, isGuess: false });
  });

  test("at its deadline keeps what was written, and marks the rest as guesses", () => {
    const begun = expose(
      openFilm({ canvas: 4, steps: 4 }),
      frame(1, { revealed: [token(1, " dog", 1)] }),
    );
    const film = closeFilm(begun, answer({ status: "partial", tokens, steps: 1 }));
    expect(cellAt(film, 1, 1)).toMatchObject({ isGuess: false, token: 101 });
    expect(film.cells[0]).toMatchObject({ text: "A", isGuess: true });
  });

  test("can be seen as it was after each step", () => {
    const film = closeFilm(null, answer({ status: "completed", tokens, steps: 2 }));
    expect(asOf(film, 1).cells.map((cell) => cell?.text)).toEqual([
      undefined,
      " dog",
      undefined,
      undefined,
    ]);
    expect(stableText(asOf(film, 1))).toBe("");
    expect(stableText(asOf(film, 2))).toBe("A dog");
  });
});

test("a confidence becomes a length that rises with it, from a sliver to all at 999 to 1", () => {
  const lengths = [0, 0.5, 0.9, 0.99, 0.999, 1].map(sureness);
  expect(lengths).toEqual(lengths.toSorted((one, other) => one - other));
  expect(lengths[0]).toBe(0.04);
  expect(sureness(0.9)).toBeCloseTo(1 / 3, 1);
  expect(sureness(0.999)).toBeCloseTo(1, 9);
  expect(lengths.at(-1)).toBe(1);
});
