import { expect, test } from "vitest";
import type { AnswerUpdate } from "#client/answer-stream.ts";
import { showUpdates } from "#playground/asking/run.ts";
import { cellAt } from "#playground/canvas/film.ts";
import type { Run } from "#playground/state.ts";

const started = { event: "answer.started", canvas: 3, steps: 3 } as unknown as AnswerUpdate;

function frame(step: number, fields: object): AnswerUpdate {
  const nothing = { revealed: [], revised: [], mean_confidence: 0, stable_until: 0 };
  const body = { ...nothing, turn_end: null, reason: "schedule", step, ...fields };
  return { event: "answer.frame", ...body } as AnswerUpdate;
}

const told = (position: number, text: string, step: number) => ({
  ...{ position, text, step, token: position, confidence: 0.9 },
});

const end = {
  ...{ event: "answer.completed", status: "completed", usage: { canvas: 3, steps: 3 } },
  tokens: [told(0, "A", 3), told(1, " dog", 2), told(2, ".", 1)],
} as unknown as AnswerUpdate;

const sealed = [1, 2].map((step) =>
  frame(step, { sealed: [{ position: 3 - step, confidence: 0.9 }] }),
);
const certain = frame(3, { revealed: [told(2, ".", 1), told(1, " dog", 2), told(0, "A", 3)] });

/** What stands on the screen, each time that it changes: a word, `?` where one is decided and not told, `_` for a mask. */
async function seen(
  updates: readonly (AnswerUpdate | (() => Promise<void>))[],
): Promise<readonly string[]> {
  const screens: string[] = [];
  let run = { film: null, answer: null } as Partial<Run> as Run;
  await showUpdates(
    (async function* () {
      for (const one of updates)
        if (typeof one === "function") await one();
        else yield one;
    })(),
    {
      pause: () => new Promise((resolve) => setTimeout(resolve)),
      tell(change) {
        run = change(run);
        const { film } = run;
        if (film === null) return;
        const cells = [0, 1, 2].map((place) => cellAt(film, place, film.step));
        screens.push(cells.map((cell) => (cell === undefined ? "_" : (cell.text ?? "?"))).join(""));
      },
    },
  ).catch(() => undefined);
  return screens.filter((screen, index) => screen !== screens[index - 1]);
}

const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setTimeout(resolve));
};

test("words that come before their steps are shown appear where and when they were decided, the surest first", async () => {
  expect(await seen([started, ...sealed, certain, end])).toEqual([
    "___",
    "__.",
    "_ dog.",
    "A dog.",
  ]);
});

test("where the eye is ahead of the stream, what is decided stands there without its word until that is told", async () => {
  expect(await seen([started, ...sealed, settled, certain, end])).toEqual([
    ...["___", "__?", "_??", "_ dog.", "A dog."],
  ]);
});

test("an answer that comes whole, from the cache, is shown step by step all the same", async () => {
  expect(await seen([end])).toEqual(["___", "__.", "_ dog.", "A dog."]);
});

test("one that begins anew is shown from its first step, and what was heard of one that breaks off stays", async () => {
  const anew = { ...started, event: "answer.restarted" } as AnswerUpdate;
  const broken = async (): Promise<void> => {
    throw new Error("the connection broke");
  };
  expect(await seen([started, ...sealed, settled, anew, settled, ...sealed, broken])).toEqual([
    ...["___", "__?", "_??", "___", "_??"],
  ]);
});
