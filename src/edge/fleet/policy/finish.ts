import type { FunctionReport, PastLoads, Standing } from "./fleet.ts";
import { etaMs } from "./loads.ts";

/** A step of a small model: the pace of a function that has timed none, where no other has either. */
export const UNKNOWN_MS_PER_STEP = 50;

/** The way to a function and back where none was measured. */
const UNKNOWN_WAY_MS = 50;

/** Until weights are there of which nothing is known: those of an 8B model take a minute from a store nearby. */
const UNKNOWN_LOAD_MS = 60_000;

/** What is thought of paces, ways and loads of which a function says nothing. */
export interface Guesses {
  readonly msPerStep: number;
  readonly wayMs: number;
  readonly loads: readonly PastLoads[];
}

const usual: Guesses = { msPerStep: UNKNOWN_MS_PER_STEP, wayMs: UNKNOWN_WAY_MS, loads: [] };

/**
 * Milliseconds until a function would have ended an answer of so many steps: its backlog, the answer's own steps, the way, and
 * what is left of its load. Counts as if what it has were done first; answers that take turns with this one can only be behind.
 */
export function expectedMs(
  report: FunctionReport,
  standing: Standing | undefined,
  steps: number,
  now: number,
  { msPerStep, wayMs, loads }: Guesses = usual,
): number {
  const pace = report.load.msPerStep ?? msPerStep;
  const loadMs = leftOfLoad(report, loads, now);
  const ahead = stepsAhead(report, standing, pace, now);
  return loadMs + (ahead + steps) * pace + (standing?.wayMs ?? wayMs);
}

/** Milliseconds until a function's weights are there: by its own word until that has run out, then by past loads; of one asleep from when it is woken. */
export function leftOfLoad(
  { state, heardAt, provider, digest }: FunctionReport,
  loads: readonly PastLoads[],
  now: number,
): number {
  if (state.kind !== "loading" && state.kind !== "asleep") return 0;
  const told = state.kind === "asleep" ? 0 : (state.etaMs ?? 0) - (now - heardAt);
  if (told > 0) return told;
  const kind = digest === null ? { provider } : { provider, digest };
  const since = state.kind === "asleep" ? (state.wokenAt ?? now) : state.since;
  const lastedMs = now - since;
  return etaMs(loads, kind, lastedMs) ?? UNKNOWN_LOAD_MS;
}

/** Answers that were sent to a function since its report. */
export function answersSince({ heardAt }: FunctionReport, standing: Standing | undefined): number {
  return (standing?.sent ?? []).reduce(
    (sum, { at, answers }) => (at > heardAt ? sum + answers : sum),
    0,
  );
}

/**
 * Steps that a function has to do now: those of its report, less what it did since, and what was sent since. Between two of these
 * moments it does what its pace allows, and no more than it has.
 */
function stepsAhead(
  { load, heardAt }: FunctionReport,
  standing: Standing | undefined,
  msPerStep: number,
  now: number,
): number {
  let steps = load.queuedSteps;
  let at = heardAt;
  const doUntil = (moment: number): void => {
    if (moment <= at) return;
    steps = Math.max(0, steps - (moment - at) / msPerStep);
    at = moment;
  };
  for (const work of standing?.sent ?? []) {
    if (work.at <= heardAt) continue;
    doUntil(Math.min(now, work.at));
    steps += work.steps;
  }
  doUntil(now);
  return steps;
}
