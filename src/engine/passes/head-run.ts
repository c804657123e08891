import { type Tensor, tensor } from "#domain/tensor.ts";
import type { BestTokens, ColumnRule, ForwardPass, Predictions } from "#model/engine.ts";
import { takeRows } from "./rows.ts";

/**
 * Rows that the head takes at once. It holds a handful of [R, V] arrays: 32 MB each at 64 rows of the 8B checkpoint, where a
 * canvas of 1024 would need 0.5 GB each. The weights are read once per 64 rows, which costs nothing against 64 products.
 */
export const HEAD_ROWS = 64;

/** Rows of a pass, by their indices, that go through the head in one run. */
export interface HeadRun {
  /** The first, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  /** What is run: those, and copies of the first ones that only fill up. */
  readonly indices: readonly number[];
}

/** Parts a pass's rows among runs of the head. `padded`: how many are run for so many. */
export function headRuns(rows: number, padded: (count: number) => number): readonly HeadRun[] {
  const runs: HeadRun[] = [];
  for (let start = 0; start < rows; start += HEAD_ROWS) {
    const end = Math.min(start + HEAD_ROWS, rows);
    const count = end - start;
    const indices = Array.from({ length: padded(count) }, (_, index) => start + (index % count));
    runs.push({ start, end, indices });
  }
  return runs;
}

/** What suppresses a column: −∞, or what stands for it on a device. */
export interface Suppressing {
  readonly columns: number;
  readonly never: number;
}

/** Inputs of the head that are the same for all runs of a pass. */
export function constantInputs(
  { columns, never }: Suppressing,
  { suppressed, guidance, classes }: ForwardPass,
): Readonly<Record<"suppression" | "guidance", Tensor>> {
  const rules: readonly ColumnRule[] = classes?.columns ?? [{ not: [] }];
  const suppression = new Float32Array(rules.length * columns);
  for (const [index, rule] of rules.entries()) {
    const row = suppression.subarray(index * columns, (index + 1) * columns);
    if ("only" in rule) {
      row.fill(never);
      for (const id of rule.only) row[id] = 0;
    } else for (const id of rule.not) row[id] = never;
    for (const id of suppressed) row[id] = never;
  }
  const scale = guidance === undefined ? 0 : guidance.scale + 1;
  return {
    suppression: tensor([rules.length, columns], suppression),
    guidance: tensor([], Float32Array.of(scale)),
  };
}

/** Which row of the suppression each row of a run takes; one number where it is one for all. */
export function classesOf({ classes }: ForwardPass, { indices }: HeadRun): readonly number[] {
  return classes === undefined ? [0] : indices.map((index) => classes.ofRows[index] ?? 0);
}

/** The rows' share of the noise, or a single zero that the graph spreads over all of them. */
export function noiseOf(columns: number, { noiseRV }: ForwardPass, { indices }: HeadRun): Tensor {
  if (noiseRV === undefined) return tensor([1, 1], new Float32Array(1));
  const whole = tensor([1, noiseRV.length / columns, columns], noiseRV);
  return tensor([indices.length, columns], takeRows(whole, indices).data);
}

/** The logits that are asked of a run's rows. */
export interface AskedOfRun {
  /** Places in the run's logits, r V + v. */
  readonly places: readonly number[];
  /** Where each stands among all that the pass asks. */
  readonly order: readonly number[];
}

/** Finds them. */
export function askedOf(
  columns: number,
  { asked }: ForwardPass,
  { start, end }: HeadRun,
): AskedOfRun {
  const places: number[] = [];
  const order: number[] = [];
  for (const [index, row] of asked?.rows.entries() ?? []) {
    if (row < start || row >= end) continue;
    places.push((row - start) * columns + (asked?.tokens[index] ?? 0));
    order.push(index);
  }
  return { places, order };
}

/** How many of each row's likeliest tokens are asked for, 0 for none. */
export function bestCount(columns: number, { best = 0 }: ForwardPass): number {
  return Math.min(best, columns);
}

/** Room for what the head yields for a pass. */
export function emptyPredictions(columns: number, pass: ForwardPass): Predictions {
  const rows = pass.rows.length;
  const { asked, best } = pass;
  return {
    tokens: new Int32Array(rows),
    chosenLogits: new Float32Array(rows),
    maxLogits: new Float32Array(rows),
    runnerUpLogits: new Float32Array(rows),
    tails: new Float32Array(rows),
    slopes: new Float32Array(rows),
    ...(asked === undefined ? {} : { askedLogits: new Float32Array(asked.rows.length) }),
    ...(best === undefined ? {} : { best: emptyBest(rows, bestCount(columns, pass)) }),
  };
}

function emptyBest(rows: number, count: number): BestTokens {
  const size = rows * count;
  return { count, tokensRN: new Int32Array(size), logitsRN: new Float32Array(size) };
}
