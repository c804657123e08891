import {
  type CanvasToken,
  type ReadAnswer,
  readAnswer,
  type TextTerms,
  UNWRITTEN,
} from "./answer-text.ts";
import type { AnswerFrame, AnswerStarted } from "./event.ts";
import type { Usage } from "./question.ts";
import { type JudgedAnswer, judge } from "./trust.ts";

/** The answer at a deadline that came before its question was looked at: nothing is written, and nothing ran. */
export function untouched(canvas: number): ReadAnswer & { readonly usage: Usage } {
  return { ...UNWRITTEN, usage: usageSoFar(null, [], { imageVectors: 0, canvas }) };
}

/** What the steps took that frames have told of; `planned` stands for what its start would have said. */
export function usageSoFar(
  started: Pick<
    AnswerStarted,
    "imageVectors" | "cachedImageVectors" | "promptLength" | "canvas"
  > | null,
  frames: readonly Pick<AnswerFrame, "step" | "refreshed" | "rows">[],
  planned: { readonly imageVectors: number; readonly canvas: number },
): Usage {
  const { imageVectors, promptLength, canvas } = started ?? { ...planned, promptLength: 0 };
  const cachedImageVectors = started?.cachedImageVectors;
  const steps = frames.at(-1)?.step ?? 0;
  return {
    imageVectors,
    ...(cachedImageVectors === undefined ? {} : { cachedImageVectors }),
    promptLength,
    canvas,
    steps,
    forwardPasses: steps,
    refreshes: frames.filter(({ refreshed = true }) => refreshed).length,
    rows: frames.reduce((sum, { rows = promptLength + canvas }) => sum + rows, 0),
  };
}

/** Lists the tokens that frames have told, ascending, with the texts that they have by now; nothing behind the end of the turn. */
export function tokensSoFar(frames: readonly AnswerFrame[]): CanvasToken[] {
  const tokens = new Map<number, CanvasToken>();
  let end = Number.POSITIVE_INFINITY;
  for (const { revealed, revised = [], turnEnd } of frames) {
    for (const token of revealed) tokens.set(token.position, token);
    for (const { position, text } of revised) {
      const token = tokens.get(position);
      if (token !== undefined) tokens.set(position, { ...token, text });
    }
    end = turnEnd ?? end;
  }
  return [...tokens.values()]
    .filter(({ position }) => position < end)
    .toSorted((left, right) => left.position - right.position);
}

/** Judges the canvas as far as frames have told it. */
export function judgeSoFar(
  started: Pick<AnswerStarted, "trust"> | null,
  frames: readonly AnswerFrame[],
  text: TextTerms,
): JudgedAnswer {
  const scored = frames.find((frame) => frame.domainScore !== undefined);
  return judge(
    readAnswer(tokensSoFar(frames), text),
    text,
    started?.trust ?? {},
    scored?.domainScore,
  );
}
