import { type CanvasToken, readAnswer, type TextTerms, UNWRITTEN } from "./answer-text.ts";
import type { AnswerFrame, AnswerStarted } from "./event.ts";
import type { ReadField } from "./field-reading.ts";
import { judgeFields } from "./judged-fields.ts";
import type { ReadOrder, Usage } from "./question.ts";
import { type JudgedAnswer, judge } from "./trust.ts";

/** What of a question its answer is told by. */
export interface ToldQuestion {
  readonly options: TextTerms;
  readonly read?: ReadOrder;
}

/** The answer at a deadline that came before its question was looked at: nothing is written, and nothing ran. */
export function untouched(
  canvas: number,
  read?: ReadOrder,
): JudgedAnswer & { readonly usage: Usage } {
  const answer = read === undefined ? UNWRITTEN : judgeFields(fieldsSoFar(read, []), undefined);
  return { ...answer, usage: usageSoFar(null, [], { imageVectors: 0, canvas }) };
}

/** Lists the fields of a question, in its order, as frames have told them: what is not known yet is unfinished. */
export function fieldsSoFar(
  { fields }: Pick<ReadOrder, "fields">,
  frames: readonly Pick<AnswerFrame, "fields">[],
): ReadField[] {
  const told = new Map(frames.flatMap((frame) => frame.fields ?? []).map((one) => [one.name, one]));
  return fields.map(
    ({ name, field: { type } }) =>
      told.get(name) ?? { name, reading: { kind: "unfinished", type } },
  );
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

/** Judges the answer as far as frames have told it: the canvas, or the fields that are known. */
export function judgeSoFar(
  started: Pick<AnswerStarted, "trust"> | null,
  frames: readonly AnswerFrame[],
  { options, read }: ToldQuestion,
): JudgedAnswer {
  const scored = frames.find((frame) => frame.domainScore !== undefined);
  if (read !== undefined) return judgeFields(fieldsSoFar(read, frames), scored?.domainScore);
  return judge(
    readAnswer(tokensSoFar(frames), options),
    options,
    started?.trust ?? {},
    scored?.domainScore,
  );
}
