/** How long question and frames are kept after the end: to replay the answer, and to resume its stream. */
export const WORK_LIFETIME_MS: number = 24 * 3_600_000;

/** How long the answer itself can be fetched after its end. */
export const ANSWER_LIFETIME_MS: number = 7 * 24 * 3_600_000;

/** The first pause before what is left to do for an ended answer is tried again; later ones are as long as it has ended. */
const MIN_TASK_PAUSE_MS = 20_000;

/** What is left to do is tried again this much later at the most. */
const MAX_TASK_PAUSE_MS = 3_600_000;

/** What an ended answer's object forgets now, and when it looks again; never, once the answer is forgotten. */
export type Retention =
  | { readonly forgets: "answer" }
  | { readonly forgets: "work" | "nothing"; readonly lookAt: number };

/** An ended answer is forgotten in two steps. `hasTasks`: whether anything is left to do for it. Times in milliseconds since 1970. */
export function retentionAt(now: number, endedAt: number, hasTasks: boolean): Retention {
  const ageMs = now - endedAt;
  if (ageMs >= ANSWER_LIFETIME_MS) return { forgets: "answer" };
  const pauseMs = Math.min(Math.max(MIN_TASK_PAUSE_MS, ageMs), MAX_TASK_PAUSE_MS);
  const isYoung = ageMs < WORK_LIFETIME_MS;
  const forgetAt = endedAt + (isYoung ? WORK_LIFETIME_MS : ANSWER_LIFETIME_MS);
  return { forgets: isYoung ? "nothing" : "work", lookAt: hasTasks ? now + pauseMs : forgetAt };
}
