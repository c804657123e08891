import { expect, test } from "vitest";
import type { AnswerFrame } from "#domain/event.ts";
import { createFrameTeller } from "#domain/told-frames.ts";

function frame(step: number, fields: Partial<AnswerFrame>): AnswerFrame {
  return { kind: "answer.frame", step, revealed: [], stableUntil: 0, ...fields };
}

const token = (position: number, text: string, step: number) => ({
  ...{ position, text, step, token: 100 + position, confidence: 1 - step / 10 },
});

test("while the answer may still be empty, a frame tells where its step decided something, how sure it was and where the turn ends, and no token", () => {
  const tell = createFrameTeller();
  const first = tell(frame(1, { revealed: [token(3, "", 1), token(2, " dog", 1)], turnEnd: 3 }));
  expect(first).toEqual({
    ...{ kind: "answer.frame", step: 1, revealed: [], stableUntil: 0, turnEnd: 3 },
    sealed: [
      { position: 3, confidence: 0.9 },
      { position: 2, confidence: 0.9 },
    ],
  });
  expect(tell(frame(2, {}))).not.toHaveProperty("sealed");
});

test("the frame that makes it certain tells them all, each with its own step, and none is sealed any more", () => {
  const tell = createFrameTeller();
  tell(frame(1, { revealed: [token(1, " dog", 1)] }));
  const certain = tell(frame(2, { revealed: [token(0, "A", 2)], hasText: true, stableUntil: 2 }));
  expect(certain.revealed.map(({ text, step }) => [text, step])).toEqual([
    [" dog", 1],
    ["A", 2],
  ]);
  expect(certain).not.toHaveProperty("sealed");
  const later = frame(3, { revealed: [token(2, ".", 3)], hasText: true });
  expect(tell(later)).toBe(later);
});
