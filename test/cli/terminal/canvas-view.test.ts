import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawCanvas, EMPTY_VIEW, tellCanvas, viewAfter } from "#cli/terminal/canvas-view.ts";

const started = viewAfter(EMPTY_VIEW, {
  event: "answer.started",
  image_vectors: 0,
  prompt_length: 1,
  canvas: 6,
  steps: 3,
  numerics: null,
});

function revealed(texts: readonly string[], confidence = 0.5) {
  return viewAfter(started, {
    event: "answer.frame",
    reason: "schedule",
    step: 1,
    mean_confidence: confidence,
    stable_until: 0,
    revised: [],
    turn_end: null,
    revealed: texts.map((text, position) => ({ position, token: 1, text, confidence, step: 1 })),
  });
}

describe("the canvas on a terminal", () => {
  test("is all masks before the first step", () => {
    expect(drawCanvas(started, { columns: 80, hasColour: false })[0]).toBe("░░░░░░");
  });

  test("is all masks again where the answer begins anew, and says so in every line from then on", () => {
    const begun = { image_vectors: 0, prompt_length: 1, canvas: 6, steps: 3, numerics: null };
    const anew = viewAfter(revealed(["ab", "c"]), {
      ...{ event: "answer.restarted", ...begun, restarts: 1, previous_numerics: null },
    });
    expect(drawCanvas(anew, { columns: 80, hasColour: false })).toEqual([
      "░░░░░░",
      expect.stringMatching(/step 0\/3, 0\/6 tokens, begun anew$/),
    ]);
    expect(tellCanvas(anew)).toContain("begun anew");
    expect(tellCanvas(revealed(["ab"]))).not.toContain("begun anew");
  });

  test("shows what is decided and not told yet apart from masks and words", () => {
    const sealed = viewAfter(started, {
      ...{ event: "answer.frame", reason: "schedule", step: 1, mean_confidence: 0 },
      ...{ stable_until: 0, revised: [], turn_end: null, revealed: [] },
      sealed: [{ position: 2, confidence: 0.5 }],
    });
    expect(drawCanvas(sealed, { columns: 80, hasColour: false })).toEqual([
      "░░▒░░░",
      expect.stringMatching(/step 1\/3, 1\/6 tokens, 50 % sure$/),
    ]);
  });

  test("is wrapped at the width, wide characters counted twice", () => {
    const lines = drawCanvas(revealed(["ab", "日本", "c"]), { columns: 4, hasColour: false });
    expect(lines.slice(0, -1)).toEqual(["ab日", "本c░", "░░"]);
    expect(lines.at(-1)).toHaveLength(4);
  });

  test("is brighter where the model was surer, and bold where it is fresh", () => {
    const drawn = (confidence: number): string | undefined =>
      drawCanvas(revealed(["x"], confidence), { columns: 80, hasColour: true })[0];
    expect(drawn(0)).toContain("\x1b[1;38;5;240mx\x1b[0m");
    expect(drawn(1)).toContain("\x1b[1;38;5;255mx\x1b[0m");
    const later = viewAfter(revealed(["x"]), {
      event: "answer.frame",
      reason: "schedule",
      step: 2,
      mean_confidence: 0,
      stable_until: 0,
      revised: [],
      turn_end: null,
      revealed: [],
    });
    expect(drawCanvas(later, { columns: 80, hasColour: true })[0]).not.toContain("[1;");
  });

  test("shows a character once all of its pieces are there", () => {
    const half = revealed(["\uFFFD"]);
    const whole = viewAfter(half, {
      event: "answer.frame",
      reason: "schedule",
      ...{ step: 2, mean_confidence: 0, stable_until: 2, turn_end: null, revealed: [] },
      revised: [{ position: 0, text: "é" }],
    });
    expect(drawCanvas(whole, { columns: 80, hasColour: false })[0]).toBe("é░░░░░");
  });

  test("keeps its colours across a line's end", () => {
    const lines = drawCanvas(revealed(["abc"]), { columns: 2, hasColour: true });
    expect(lines.slice(0, 2)).toEqual([
      "\x1b[1;38;5;248mab\x1b[0m",
      "\x1b[1;38;5;248mc\x1b[0m\x1b[38;5;238m░\x1b[0m",
    ]);
  });

  test("never sends what a terminal would obey, whatever the answer holds", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 6 }), (texts) => {
        const view = revealed(texts);
        const drawn = drawCanvas(view, { columns: 20, hasColour: true }).join("");
        for (const text of [stripVTControlCharacters(drawn), tellCanvas(view)])
          expect(text).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
