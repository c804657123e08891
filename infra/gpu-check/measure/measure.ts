import type { Provider } from "#graph/profile.ts";

/** One line of figures: what was looked at, and what came out, in the units that the names end with. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** What is asked of one process. */
export interface Order {
  readonly measure: string;
  readonly provider: Provider;
  /** Shapes for a driver that computes on the CPU; figures of speed then mean nothing, and right or wrong means the same. */
  readonly small: boolean;
  /** When the process must have ended, in milliseconds since the epoch. */
  readonly endMs: number;
  /** What else a measurement wants to know. */
  readonly options: Readonly<Record<string, string | number>>;
}

/** What a measurement is given. */
export interface Bench {
  readonly order: Order;
  /** Says what is being tried, so that a crash can be told by what it came from. */
  begin(what: string): void;
  /** Puts a line on record at once: what comes after may take the process with it. */
  tell(row: Row): void;
  /** Milliseconds that are left. */
  leftMs(): number;
}

/** Runs in a process of its own. */
export type Measure = (bench: Bench) => Promise<void>;

/** Takes an option that must be there. */
export function option(order: Order, name: string): string {
  const value = order.options[name];
  if (value === undefined) throw new Error(`measurement ${order.measure} needs option ${name}`);
  return String(value);
}

/** The same as a number. */
export function numberOption(order: Order, name: string): number {
  return Number(option(order, name));
}

/** Numbers evenly spread over −1 … 1, the same ones each time. */
export function random(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

/** Root mean square of the difference over that of what was expected; infinite where a number is none. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let index = 0; index < expected.length; index++) {
    const wanted = expected[index]!;
    difference += ((actual[index] ?? Number.NaN) - wanted) ** 2;
    size += wanted ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** How much of the time that is left one figure may take. */
const SHARE_OF_TIME = 12;

/** Shortest of several runs in milliseconds, after one that warms up; that one alone, or fewer, where they take long. */
export async function shortest(
  bench: Bench,
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const endMs = performance.now() + bench.leftMs() / SHARE_OF_TIME;
  const timed = async (): Promise<number> => {
    const startedMs = performance.now();
    await work();
    return performance.now() - startedMs;
  };
  const firstMs = await timed();
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < count && performance.now() < endMs; run++)
    best = Math.min(best, await timed());
  return Math.min(best, firstMs);
}

export function rounded(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}
