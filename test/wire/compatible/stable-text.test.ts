import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StableText } from "#wire/compatible/stable-text.ts";

function token(position: number, text: string) {
  return { position, token: 1, text, confidence: 1, step: 1 };
}

describe("text of a canvas that only grows at its end", () => {
  test("in pieces is the answer, in whatever order its positions are filled, white space at its ends included", () => {
    const canvas = fc
      .array(fc.constantFrom("a", " b", "\n", " ", "é", ""), { maxLength: 12 })
      .chain((pieces) =>
        fc.record({
          pieces: fc.constant(pieces),
          order: fc.shuffledSubarray([...pieces.keys()], { minLength: pieces.length }),
        }),
      );
    fc.assert(
      fc.property(canvas, ({ pieces, order }) => {
        const stable = new StableText();
        const filled = new Set<number>();
        let told = "";
        for (const position of order) {
          filled.add(position);
          let stableUntil = 0;
          while (filled.has(stableUntil)) stableUntil++;
          const revealed = [token(position, pieces[position] ?? "")];
          told += stable.push({ revealed, revised: [], stable_until: stableUntil });
        }
        const answer = pieces.join("");
        expect(told).toBe(answer);
        expect(stable.end(answer)).toBe("");
      }),
    );
  });

  test("holds back what may still change", () => {
    const stable = new StableText();
    const revealed = [token(0, " A"), token(1, " dog"), token(2, " "), token(4, "!")];
    expect(stable.push({ revealed, revised: [], stable_until: 1 })).toBe(" A");
    expect(stable.push({ revealed: [], revised: [], stable_until: 3 })).toBe(" dog ");
    expect(stable.end(" A dog ")).toBe("");
  });

  test("tells a character once, when its last piece has come", () => {
    const stable = new StableText();
    const first = { revealed: [token(1, "\uFFFD")], revised: [], stable_until: 0 };
    const second = {
      revealed: [token(0, "")],
      revised: [{ position: 1, text: "é" }],
      stable_until: 2,
    };
    expect([first, second].map((frame) => stable.push(frame))).toEqual(["", "é"]);
  });

  test("never tells an answer that contradicts its frames", () => {
    const stable = new StableText();
    stable.push({ revealed: [token(0, "A")], revised: [], stable_until: 1 });
    expect(() => stable.end("B")).toThrow("stable");
  });
});
