import type { Abilities } from "./abilities.ts";
import { type Micros, micros } from "./micros.ts";
import type { AnswerMode, RefreshRange } from "./modes.ts";
import type { PlacesCard } from "./places.ts";
import type { ReadStyle } from "./read-style.ts";
import type { ImageRules, PlannedWork } from "./work.ts";

/** What can be asked of a model and what it costs: data of an installation, never code. */
export interface ModelCard {
  readonly id: string;
  /** Null for a model that reads text only. */
  readonly image: ImageRules | null;
  readonly abilities: Abilities;
  /** Positions per block where the request names none; null is the whole canvas. */
  readonly blockLength: number | null;
  /** How values are read off pictures; absent where its function reads none. */
  readonly read?: ReadStyle;
  /** How it says where something is; absent where it was not trained to. */
  readonly places?: PlacesCard;
  /** How a request is answered that names no mode. */
  readonly mode: AnswerMode;
  readonly refresh: RefreshRange;
  readonly prices: UnitPrices;
  /** What an answer costs that was given before: one price for all, may be zero. */
  readonly hitPrice: Micros;
}

/**
 * The u's of the price: what a unit of each kind of work costs, in pico-dollars (10⁻¹² $), whole numbers. Too small for
 * micro-dollars: one position of one pass through 8 billion weights costs about 0.06 of one.
 */
export interface UnitPrices {
  /** u_view: one view through the vision tower. */
  readonly view: bigint;
  /** u_linear: one position of one pass through all linear layers. */
  readonly linear: bigint;
  /** u_attention: one position of one pass looking at one position. */
  readonly attention: bigint;
}

/** A price with what it is for. A completed answer is charged exactly this, however early its schedule ended. */
export interface Quote {
  readonly price: Micros;
  readonly imageVectors: number;
  readonly canvas: number;
  readonly steps: number;
  readonly forwardPasses: number;
  /** Passes that are planned to compute the prompt too. */
  readonly refreshes: number;
  /** Positions that all planned passes compute. */
  readonly rows: number;
}

const PICOS_PER_MICRO = 1_000_000n;

/** Prices planned work: views · u_view + Σ over the passes of (rows · u_linear + rows · S · u_attention), rounded up. */
export function price(work: PlannedWork, prices: UnitPrices): Quote {
  return {
    price: priceOfPasses(work, prices, work.passRows.length),
    imageVectors: work.imageVectors,
    canvas: work.canvas,
    steps: work.steps,
    forwardPasses: work.passRows.length,
    refreshes: work.refreshes ?? work.passRows.filter((rows) => rows === work.positions).length,
    rows: rowsOf(work.passRows),
  };
}

/**
 * Prices the part of the work that was done when `steps` of its steps had run: what a partial answer costs. Nothing for
 * none; never more than the quote.
 */
export function priceOfSteps(work: PlannedWork, prices: UnitPrices, steps: number): Micros {
  if (steps <= 0) return micros(0);
  const passes = Math.ceil((Math.min(steps, work.steps) * work.passRows.length) / work.steps);
  return priceOfPasses(work, prices, passes);
}

function priceOfPasses(work: PlannedWork, prices: UnitPrices, passes: number): Micros {
  const perRow = prices.linear + BigInt(work.positions) * prices.attention;
  const rows = rowsOf(work.passRows.slice(0, passes));
  const picos = BigInt(work.views) * prices.view + BigInt(rows) * perRow;
  return micros((picos + PICOS_PER_MICRO - 1n) / PICOS_PER_MICRO);
}

function rowsOf(passRows: readonly number[]): number {
  return passRows.reduce((total, count) => total + count, 0);
}
