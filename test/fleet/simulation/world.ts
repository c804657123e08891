import { randomOf } from "../reports.ts";

/** What a simulation is about. Times are milliseconds. */
export interface WorldTerms {
  readonly seed: number;
  readonly functions: number;
  readonly answers: number;
  /** Part of the capacity that is asked for. */
  readonly load: number;
  readonly regions: number;
  /** Whether the rate of questions trebles for ten seconds of every forty. */
  readonly hasBursts: boolean;
  /** Mean time between two deaths of one function; null: none dies. */
  readonly diesEveryMs: number | null;
  /** Whether the first region is cut off for a minute, half-way. */
  readonly losesRegion: boolean;
}

/** A question, as it comes in. */
export interface Question {
  readonly id: number;
  readonly at: number;
  readonly steps: number;
  readonly account: number;
  readonly region: string;
}

/** A machine, and when it is not there. */
export interface MachineTerms {
  readonly url: string;
  readonly region: string;
  readonly msPerStep: number;
  /** Moments of death, and how long its weights load behind each. */
  readonly deaths: readonly { readonly at: number; readonly loadMs: number }[];
  /** When it cannot be reached, and goes on. */
  readonly cut: { readonly from: number; readonly to: number } | null;
}

export interface World {
  readonly questions: readonly Question[];
  readonly machines: readonly MachineTerms[];
  /** When the last question comes. */
  readonly endsAt: number;
}

/** An answer has 8 steps at the least; one in a hundred has more than 250. */
const FEWEST_STEPS = 8;
const MOST_STEPS = 512;
const TAIL = 1.25;

/** Three kinds of machines: most take 30 ms a step, some are twice as fast, some half as fast. */
const PACES = [30, 30, 30, 15, 60];

const ACCOUNTS = 24;
const BURST_EVERY_MS = 40_000;
const BURST_MS = 10_000;
const BURST = 3;
const REGION_AWAY_MS = 60_000;

/** The same world for the same terms. */
export function worldOf(terms: WorldTerms): World {
  const random = randomOf(terms.seed);
  const machines = Array.from({ length: terms.functions }, (_, place) => ({
    url: `https://${place}.example`,
    region: `region ${place % terms.regions}`,
    msPerStep: PACES[place % PACES.length] ?? 30,
  }));
  const stepsPerMs = machines.reduce((sum, { msPerStep }) => sum + 1 / msPerStep, 0);
  const meanGapMs = meanSteps() / (stepsPerMs * terms.load);
  const questions: Question[] = [];
  let at = 0;
  for (let id = 0; id < terms.answers; id++) {
    at += -Math.log(1 - random()) * (meanGapMs / rateAt(at, terms));
    const region = `region ${Math.floor(random() * terms.regions)}`;
    questions.push({ id, at, steps: stepsOf(random()), account: accountOf(random()), region });
  }
  const cut = { from: at / 2, to: at / 2 + REGION_AWAY_MS };
  return {
    questions,
    endsAt: at,
    machines: machines.map((machine) => ({
      ...machine,
      deaths: deathsOf(terms, at, random),
      cut: terms.losesRegion && machine.region === "region 0" ? cut : null,
    })),
  };
}

/** Relative to the mean, which a burst does not change. */
function rateAt(at: number, { hasBursts }: WorldTerms): number {
  if (!hasBursts) return 1;
  const part = BURST_MS / BURST_EVERY_MS;
  const quiet = 1 / (1 - part + BURST * part);
  return at % BURST_EVERY_MS < BURST_MS ? BURST * quiet : quiet;
}

/** A bounded Pareto distribution: half of the answers have some 14 steps, the longest a hundredth of all steps. */
function stepsOf(draw: number): number {
  const ratio = (FEWEST_STEPS / MOST_STEPS) ** TAIL;
  return Math.round(FEWEST_STEPS / (1 - draw * (1 - ratio)) ** (1 / TAIL));
}

function meanSteps(): number {
  const draws = 10_000;
  let sum = 0;
  for (let place = 0; place < draws; place++) sum += stepsOf((place + 0.5) / draws);
  return sum / draws;
}

/** Account 0 asks half of everything, the others as often as each other. */
function accountOf(draw: number): number {
  return draw < 0.5 ? 0 : 1 + Math.floor((draw - 0.5) * 2 * (ACCOUNTS - 1));
}

function deathsOf(
  { diesEveryMs }: WorldTerms,
  endsAt: number,
  random: () => number,
): MachineTerms["deaths"] {
  if (diesEveryMs === null) return [];
  const deaths: { at: number; loadMs: number }[] = [];
  for (let at = 0; ; ) {
    at += -Math.log(1 - random()) * diesEveryMs;
    if (at >= endsAt) return deaths;
    const loadMs = 20_000 * (1 - random()) ** -0.5; // half take 28 s, one in a hundred more than three minutes
    deaths.push({ at, loadMs: Math.min(loadMs, 600_000) });
    at += loadMs;
  }
}
