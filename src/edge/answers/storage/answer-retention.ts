import { type AnswerKeeping, standardRetention, UNSTORED_MS } from "#domain/retention.ts";

/** How long question and frames are kept after the end where nobody says otherwise: to replay the answer, and to resume its stream. */
export const WORK_LIFETIME_MS: number = standardRetention.questionMs;

/** How long the answer itself can then be fetched after its end. */
export const ANSWER_LIFETIME_MS: number = standardRetention.answerMs;

/** The first pause before what is left to do for an ended answer is tried again; later ones are as long as it has ended. */
const MIN_TASK_PAUSE_MS = 20_000;

/** What is left to do is tried again this much later at the most. */
const MAX_TASK_PAUSE_MS = 3_600_000;

/** What is left to do for an answer whose words are gone is given up after so long: its hold is forgotten by then. */
export const TASK_LIFETIME_MS: number = 7 * 24 * 3_600_000;

/** What an ended answer's object forgets now, and when it looks again; never, once the answer is forgotten. */
export type Retention =
  | { readonly forgets: "answer" }
  | { readonly forgets: "work" | "nothing"; readonly lookAt: number };

/** When question and answer of an ended answer are forgotten. Milliseconds since 1970. */
export function forgetTimes(
  endedAt: number,
  { isStored, questionMs, answerMs }: AnswerKeeping,
): { readonly workAt: number; readonly answerAt: number } {
  return isStored
    ? { workAt: endedAt + questionMs, answerAt: endedAt + answerMs }
    : { workAt: endedAt + UNSTORED_MS, answerAt: endedAt + UNSTORED_MS };
}

/** An ended answer is forgotten in two steps. `hasTasks`: whether anything is left to do for it. Times in milliseconds since 1970. */
export function retentionAt(
  now: number,
  endedAt: number,
  hasTasks: boolean,
  keeping: AnswerKeeping,
): Retention {
  const { workAt, answerAt } = forgetTimes(endedAt, keeping);
  const ageMs = now - endedAt;
  if (now >= answerAt) return { forgets: "answer" };
  const pauseMs = Math.min(Math.max(MIN_TASK_PAUSE_MS, ageMs), MAX_TASK_PAUSE_MS);
  const isYoung = now < workAt;
  const forgetAt = isYoung ? workAt : answerAt;
  return { forgets: isYoung ? "nothing" : "work", lookAt: hasTasks ? now + pauseMs : forgetAt };
}
