import type { FunctionReport, Outcome, SentWork, Standing } from "./fleet.ts";

/** A connection that breaks once is an accident; three times in a row it is the function. */
const FAILURES_TO_CLOSE = 3;

/** For how long a function is left alone the first time; twice as long after each try that failed. */
const FIRST_PAUSE_MS = 2_000;

/** The longest: who is back is found out within this, and each try of a dead one costs an answer a refused connection. */
const LONGEST_PAUSE_MS = 60_000;

/** A try of which nothing was heard for so long counts as none. */
const TRY_MS = 10_000;

/** Weight of the newest way in the mean: the last ten count. */
const SMOOTHING = 0.2;

/** What is sent within so many milliseconds is remembered as one. */
const MOMENT_MS = 100;

/** Threat: memory of a dispatcher whose function tells no reports. Six seconds of moments, then the two oldest become one. */
const MAX_MOMENTS = 64;

/** Of a function of which nothing was seen yet. */
export const freshStanding: Standing = {
  failures: 0,
  failedAt: 0,
  pauseMs: 0,
  closedUntil: 0,
  triedAt: null,
  sent: [],
  wayMs: null,
};

/** Whether an answer may be sent: not while a function is closed, and while one answer tries it no other. */
export function isOpen({ closedUntil, triedAt }: Standing, now: number): boolean {
  return now >= closedUntil && (triedAt === null || now - triedAt >= TRY_MS);
}

/** What is thought of a function after an attempt at it. `now`: milliseconds since 1970. */
export function standingAfter(
  standing: Standing | undefined,
  outcome: Outcome,
  now: number,
): Standing {
  const before = standing ?? freshStanding;
  switch (outcome.kind) {
    case "sent": {
      const isTry = before.closedUntil > 0;
      return {
        ...before,
        sent: withWork(before.sent, outcome.steps, now),
        triedAt: isTry ? now : null,
      };
    }
    case "taken": {
      const { wayMs } = before;
      const mean = wayMs === null ? outcome.wayMs : wayMs + SMOOTHING * (outcome.wayMs - wayMs);
      return { ...present(before), wayMs: mean };
    }
    case "refused":
      return { ...present(before), sent: withoutWork(before.sent, outcome.steps) };
    case "ended":
      return { ...present(before), failures: 0, pauseMs: 0 };
    case "failed":
      return failed({ ...before, sent: withoutWork(before.sent, outcome.steps) }, now);
    default:
      return outcome satisfies never;
  }
}

/** Forgets what was sent before a report: that is in it. What was sent while it was on its way is not. */
export function heardAnew(
  standing: Standing,
  { heardAt }: Pick<FunctionReport, "heardAt">,
): Standing {
  const sent = standing.sent.filter(({ at }) => at > heardAt);
  return sent.length === standing.sent.length ? standing : { ...standing, sent };
}

/** It is there: it is open to all. It may still break off what it took, and then it is closed at once, for longer. */
function present(standing: Standing): Standing {
  const failures = Math.min(standing.failures, FAILURES_TO_CLOSE - 1);
  return { ...standing, failures, failedAt: 0, closedUntil: 0, triedAt: null };
}

function failed(before: Standing, now: number): Standing {
  const failures = before.failures + 1;
  // Answers that were under way when it was closed say nothing new of it.
  const closes = failures >= FAILURES_TO_CLOSE && now >= before.closedUntil;
  const pauseMs = closes
    ? Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, before.pauseMs * 2))
    : before.pauseMs;
  const closedUntil = closes ? now + pauseMs : before.closedUntil;
  return { ...before, failures, failedAt: now, pauseMs, closedUntil, triedAt: null };
}

function withWork(sent: readonly SentWork[], steps: number, now: number): readonly SentWork[] {
  const at = (Math.floor(now / MOMENT_MS) + 1) * MOMENT_MS;
  const last = sent.at(-1);
  if (last?.at === at)
    return [...sent.slice(0, -1), { at, steps: last.steps + steps, answers: last.answers + 1 }];
  const all = [...sent, { at, steps, answers: 1 }];
  const [first, second, ...rest] = all;
  if (all.length <= MAX_MOMENTS || first === undefined || second === undefined) return all;
  const { steps: firstSteps, answers } = first;
  return [
    { at: second.at, steps: firstSteps + second.steps, answers: answers + second.answers },
    ...rest,
  ];
}

/** Takes the youngest work of so many steps back. */
function withoutWork(sent: readonly SentWork[], steps: number): readonly SentWork[] {
  const place = sent.findLastIndex((work) => work.steps >= steps);
  return sent.flatMap((work, index) => {
    if (index !== place) return [work];
    const answers = work.answers - 1;
    return answers === 0 ? [] : [{ ...work, steps: work.steps - steps, answers }];
  });
}
