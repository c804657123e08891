import type { NumericsText } from "#domain/numerics.ts";
import { UNKNOWN_MS_PER_STEP } from "./finish.ts";
import { type FunctionReport, LOST_AFTER_MS } from "./fleet.ts";

/** Functions that may make an answer, as they are seen from a region. */
export interface Pool {
  /** Of the same region, or all where it is not known. */
  readonly near: readonly FunctionReport[];
  readonly far: readonly FunctionReport[];
  /** Of all regions. */
  readonly asleep: readonly FunctionReport[];
}

/** Which weights: these, all but these, or any. */
export type Weights =
  | { readonly kind: "only"; readonly digest: string }
  | { readonly kind: "not"; readonly digest: string }
  | { readonly kind: "any" };

/** Which functions an answer may go to. */
export interface PoolTerms {
  readonly weights: Weights;
  /** Null: any. */
  readonly numerics: NumericsText | null;
  /** Where it is dispatched; null: not known. */
  readonly region: string | null;
}

/** What is found once for all picks of a snapshot: one among a thousand functions then costs what one among ten does. */
export class FleetIndex {
  /** Half of the functions take less for a step. */
  readonly medianMsPerStep: number;
  readonly #functions: readonly FunctionReport[];
  readonly #pools = new Map<string, Pool>();

  constructor(functions: readonly FunctionReport[]) {
    this.#functions = functions;
    const paces = functions.flatMap(({ load }) => load.msPerStep ?? []).sort((a, b) => a - b);
    this.medianMsPerStep = paces[Math.floor((paces.length - 1) / 2)] ?? UNKNOWN_MS_PER_STEP;
  }

  pool(terms: PoolTerms): Pool {
    const name = JSON.stringify(terms);
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const { numerics, region } = terms;
    const fitting = this.#functions.filter(
      (report) => isAllowed(report, terms) && (numerics === null || report.numerics === numerics),
    );
    // Weights that are loading take work before they are there.
    const there = fitting.filter(({ state: { kind } }) => kind === "warm" || kind === "loading");
    const isNear = (report: FunctionReport): boolean => region === null || report.region === region;
    const pool = {
      near: there.filter(isNear),
      far: there.filter((report) => !isNear(report)),
      asleep: fitting.filter(({ state }) => state.kind === "asleep"),
    };
    this.#pools.set(name, pool);
    return pool;
  }
}

/** Whether a function has such weights. An address of the settings, which nobody has heard yet, may have any. */
export function isAllowed(
  { digest }: FunctionReport,
  { weights }: Pick<PoolTerms, "weights">,
): boolean {
  if (weights.kind === "any" || digest === null) return true;
  return (digest === weights.digest) === (weights.kind === "only");
}

/** Whether a function is still heard of; an address of the settings has said nothing yet, and one that is asleep says nothing. */
export function isHeard({ digest, heardAt, state }: FunctionReport, now: number): boolean {
  return digest === null || state.kind === "asleep" || now - heardAt <= LOST_AFTER_MS;
}

const indexes = new WeakMap<readonly FunctionReport[], FleetIndex>();

/** The index of a snapshot's functions, made at its first pick and gone with it. */
export function indexOf(functions: readonly FunctionReport[]): FleetIndex {
  const known = indexes.get(functions);
  if (known !== undefined) return known;
  const index = new FleetIndex(functions);
  indexes.set(functions, index);
  return index;
}
