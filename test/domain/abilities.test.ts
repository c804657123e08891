import { describe, expect, test } from "vitest";
import {
  type Abilities,
  canvasRangeFault,
  fitToAbilities,
  UNTOLD_ABILITIES,
} from "#domain/abilities.ts";
import type { Message } from "#domain/question.ts";

const simple: Abilities = {
  canvas: { standard: 16, recommended: 32, limit: 512 },
  ...{ systemMessages: false, severalPictures: false, severalTurns: false },
};
const conversation: readonly Message[] = [
  { role: "system", text: "Be brief." },
  { role: "user", text: "What is this?" },
  { role: "assistant", text: "A dog." },
  { role: "user", text: "And this?", pictures: 1 },
];

describe("a question and what the model was trained for", () => {
  test("a system message to a model that knows none is dropped, and nothing else", () => {
    const { messages, warnings } = fitToAbilities(
      { messages: conversation.slice(0, 2), pictures: 1, canvas: 32 },
      simple,
    );
    expect(messages).toEqual([conversation[1]]);
    expect(warnings).toEqual([{ kind: "system_message_dropped" }]);
  });

  test("a long canvas, several pictures and several turns are asked with a warning", () => {
    const asked = { messages: conversation.slice(1), pictures: 2, canvas: 33 };
    expect(fitToAbilities(asked, simple)).toEqual({
      messages: asked.messages,
      warnings: [
        { kind: "canvas_not_recommended", canvas: 33, recommended: 32 },
        { kind: "several_pictures_untrained", pictures: 2 },
        { kind: "late_picture_untrained" },
        { kind: "several_turns_untrained" },
      ],
    });
  });

  test("a picture in the user's first message is not late, however late that is", () => {
    const late = (messages: readonly Message[]) =>
      fitToAbilities({ messages, pictures: 1, canvas: 8 }, { ...simple, severalTurns: true })
        .warnings.map(({ kind }) => kind)
        .includes("late_picture_untrained");
    expect(
      late([
        { role: "assistant", text: "Ask." },
        { role: "user", text: "?" },
      ]),
    ).toBe(false);
    expect(late([{ role: "user", text: "?", pictures: 1 }])).toBe(false);
    expect(late(conversation)).toBe(true);
  });

  test("of a model whose maker says nothing everything is believed, up to the canvas of the reference", () => {
    const asked = { messages: conversation, pictures: 8, canvas: 128 };
    expect(fitToAbilities(asked, UNTOLD_ABILITIES)).toEqual({
      messages: conversation,
      warnings: [],
    });
    expect(fitToAbilities({ ...asked, canvas: 129 }, UNTOLD_ABILITIES).warnings).toHaveLength(1);
  });
});

test.each([
  [{ standard: 1, recommended: 1, limit: 1 }, true],
  [{ standard: 32, recommended: 16, limit: 512 }, false],
  [{ standard: 32, recommended: 64, limit: 63 }, false],
  [{ standard: 0, recommended: 64, limit: 64 }, false],
])("a range of canvases goes up: %j", (range, isOne) => {
  expect(canvasRangeFault(range) === undefined).toBe(isOne);
});
