import type { NumericsText } from "#domain/numerics.ts";
import { answersSince, expectedMs, type Guesses, leftOfLoad } from "./finish.ts";
import type { Choice, FunctionReport, PastLoads, PickTerms, Standing } from "./fleet.ts";
import { indexOf, isAllowed, isHeard, type Pool, type Weights } from "./pool.ts";
import { isOpen } from "./standing.ts";

/** How many functions are compared that chance names. */
export interface Compared {
  /** Of the same region, or of all where it is not known. */
  readonly near: number;
  readonly far: number;
}

/** Decided by the simulation: `infra/docs/fleet-simulation.md`. */
export const COMPARED: Compared = { near: 2, far: 1 };

/** The way to a function and back where none was measured: within a region, and to another. */
const NEAR_WAY_MS = 20;
const FAR_WAY_MS = 250;

/** Draws for each choice before all functions are looked through. */
const DRAWS = 4;

/**
 * Picks the function that an answer is sent to: of a few that chance names, the one that is expected to end it first. Who is full,
 * or failed after its last report, is picked where no other is left. Called again, with who refused in `tried`, for the next.
 */
export function pick(
  functions: readonly FunctionReport[],
  standings: ReadonlyMap<string, Standing>,
  loads: readonly PastLoads[],
  terms: PickTerms,
  compared: Compared = COMPARED,
): Choice {
  const index = indexOf(functions);
  const { region } = terms;
  const guesses = { msPerStep: index.medianMsPerStep, loads };
  const seen: Seen = { standings, terms, guesses, compared };
  for (const { weights, numerics } of wishes(terms)) {
    const pool = index.pool({ weights, numerics, region });
    const best = choose(pool, seen);
    if (best === undefined) continue;
    const { report, finishMs } = best;
    const wake = soonerOne(pool, finishMs, seen);
    const isPreferred = numerics !== null;
    return { kind: "function", report, expectedMs: finishMs, isPreferred, wake };
  }
  return { kind: "none", reason: whyNone(functions, seen) };
}

interface Wish {
  readonly weights: Weights;
  readonly numerics: NumericsText | null;
}

/** What an answer is to be made with, the best first. A side of a canary where nobody can be asked leaves its answers to the other. */
function wishes({ digest, canary, share, numerics }: PickTerms): readonly Wish[] {
  const sides = digest === null ? sidesOf(canary, share) : [{ kind: "only", digest } as const];
  const [first] = sides;
  const usual = sides.map((weights) => ({ weights, numerics: null }));
  return numerics === null || first === undefined
    ? usual
    : [{ weights: first, numerics }, ...usual];
}

function sidesOf(canary: PickTerms["canary"], share: number): readonly Weights[] {
  if (canary === null) return [{ kind: "any" }];
  const { digest, percent } = canary;
  const sides = [{ kind: "only", digest } as const, { kind: "not", digest } as const];
  return share * 100 < percent ? sides : sides.toReversed();
}

interface Seen {
  readonly standings: ReadonlyMap<string, Standing>;
  readonly terms: PickTerms;
  readonly guesses: Omit<Guesses, "wayMs">;
  readonly compared: Compared;
}

interface Judged {
  readonly report: FunctionReport;
  readonly finishMs: number;
  /** 0: nothing is against it. Of others the lowest is taken, where there is no such. */
  readonly rank: number;
}

function choose({ near, far }: Pick<Pool, "near" | "far">, seen: Seen): Judged | undefined {
  const drawn = [
    ...draw(near, seen.compared.near, NEAR_WAY_MS, seen),
    ...draw(far, seen.compared.far, FAR_WAY_MS, seen),
  ];
  if (drawn.length > 0) return least(drawn);
  // Something is against all whom chance named: now all are looked at, so that nobody is refused while one is free.
  return least([
    ...near.flatMap((report) => judge(report, NEAR_WAY_MS, seen) ?? []),
    ...far.flatMap((report) => judge(report, FAR_WAY_MS, seen) ?? []),
  ]);
}

/** Up to `count` different functions that have nothing against them, at random. */
function draw(
  reports: readonly FunctionReport[],
  count: number,
  wayMs: number,
  seen: Seen,
): readonly Judged[] {
  // Of so few, chance may name one alone again and again.
  if (reports.length <= count)
    return reports
      .flatMap((report) => judge(report, wayMs, seen) ?? [])
      .filter(({ rank }) => rank === 0);
  const places = new Set<number>();
  const drawn: Judged[] = [];
  for (let turn = 0; turn < count * DRAWS && drawn.length < count; turn++) {
    const place = Math.floor(seen.terms.random() * reports.length);
    const report = reports[place];
    if (report === undefined || places.has(place)) continue;
    places.add(place);
    const judged = judge(report, wayMs, seen);
    if (judged?.rank === 0) drawn.push(judged);
  }
  return drawn;
}

/** Undefined for a function that is not to be asked. */
function judge(
  report: FunctionReport,
  wayMs: number,
  { standings, terms, guesses }: Seen,
): Judged | undefined {
  const { url, load, heardAt } = report;
  const { steps, now } = terms;
  const standing = standings.get(url);
  if (!isAskable(url, standings, terms) || !isHeard(report, now)) return undefined;
  const finishMs = expectedMs(report, standing, steps, now, { ...guesses, wayMs });
  const room = load.places + load.queueLength; // none is told where it was never heard
  const taken = load.running + load.waiting + answersSince(report, standing);
  const isFull = room > 0 && taken >= room;
  const isSuspect = standing !== undefined && standing.failedAt > heardAt;
  return { report, finishMs, rank: (isSuspect ? 2 : 0) + (isFull ? 1 : 0) };
}

/** Whether it has not refused the answer already, and no breaker keeps it closed. */
function isAskable(url: string, standings: Seen["standings"], { tried, now }: PickTerms): boolean {
  const standing = standings.get(url);
  return !tried.has(url) && (standing === undefined || isOpen(standing, now));
}

function least(judged: readonly Judged[]): Judged | undefined {
  return judged.reduce<Judged | undefined>((best, one) => {
    if (best === undefined || one.rank < best.rank) return one;
    return one.rank === best.rank && one.finishMs < best.finishMs ? one : best;
  }, undefined);
}

/** The address of one that is asleep and would end the answer sooner, if it were woken now. */
function soonerOne({ asleep }: Pool, finishMs: number, seen: Seen): string | null {
  const { standings, terms, guesses } = seen;
  const sooner = asleep
    .filter(({ url }) => isAskable(url, standings, terms))
    .map((report) => {
      const wayMs = NEAR_WAY_MS;
      return {
        url: report.url,
        ms: expectedMs(report, undefined, terms.steps, terms.now, { ...guesses, wayMs }),
      };
    })
    .filter(({ ms }) => ms < finishMs)
    .sort((one, other) => one.ms - other.ms);
  return sooner[0]?.url ?? null;
}

type NoChoice = Extract<Choice, { kind: "none" }>;

function whyNone(
  functions: readonly FunctionReport[],
  { standings, terms, guesses }: Seen,
): NoChoice["reason"] {
  const { digest, now } = terms;
  const heard = functions.filter((report) => isHeard(report, now));
  if (heard.length === 0) return "away";
  const weights: Weights = digest === null ? { kind: "any" } : { kind: "only", digest };
  const fitting = heard.filter((report) => isAllowed(report, { weights }));
  if (fitting.length === 0) return "other_weights";
  const [soonest] = fitting
    .filter(({ url, state }) => state.kind === "asleep" && isAskable(url, standings, terms))
    .map((report) => ({ wake: report.url, loadingMs: leftOfLoad(report, guesses.loads, now) }))
    .sort((one, other) => one.loadingMs - other.loadingMs);
  return soonest ?? "away";
}
