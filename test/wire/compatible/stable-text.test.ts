import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SseMessage } from "#wire/codec/sse.ts";
import { growingText, StableText } from "#wire/compatible/stable-text.ts";

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

describe("text of an answer that begins anew", () => {
  const frame = (...texts: string[]) => ({
    revealed: texts.map((text, position) => token(position, text)),
    ...{ revised: [], stable_until: texts.length },
  });
  const tell = async (...events: [string, object][]) => {
    async function* messages(): AsyncGenerator<SseMessage> {
      for (const [event, body] of events) yield { event, data: JSON.stringify(body) };
    }
    const updates = growingText(messages(), { requestId: "req_1", instance: "/v1" });
    return (await Array.fromAsync(updates)).map((update) => {
      if (update.kind === "text") return update.text;
      return update.kind === "failed" ? update.problem.code : update.kind;
    });
  };

  test("goes on where the new one begins with what was told, and tells nothing twice", async () => {
    const told = await tell(
      ["answer.started", {}],
      ["answer.frame", frame("A", " dog")],
      ["answer.restarted", {}],
      ["answer.frame", frame("A")],
      ["answer.frame", frame("A", " dog", " runs")],
      ["answer.completed", { answer: "A dog runs." }],
    );
    expect(told).toEqual(["A dog", " runs", ".", "end"]);
  });

  test.each([
    ["another text becomes final", ["answer.frame", frame("A", " cat")]],
    ["it ends with another", ["answer.completed", { answer: "A cat." }]],
    ["it ends earlier", ["answer.completed", { answer: "A" }]],
  ] as [string, [string, object]][])(
    "fails with answer_restarted where %s: text cannot be taken back",
    async (_, last) => {
      const first: [string, object] = ["answer.frame", frame("A", " dog")];
      const told = await tell(["answer.started", {}], first, ["answer.restarted", {}], last);
      expect(told).toEqual(["A dog", "answer_restarted"]);
    },
  );
});
