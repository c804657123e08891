import type { Tensor } from "#domain/tensor.ts";
import type { DomainScore, Reduction, Span, Statistic } from "#domain/trust.ts";

/**
 * Returns how far inside of the model's world a picture is: its score less the threshold.
 * @param featuresPC what the vision tower made of the picture's first view, before the projector: [positions, channels]
 * Throws RangeError where the score is of other features than these.
 */
export function domainScore(score: DomainScore, featuresPC: Tensor): number {
  const numbers = score.statistics.flatMap((statistic) => numbersOf(statistic, featuresPC));
  const { mean, deviation, weight, limit } = score;
  if (numbers.length !== weight.length)
    throw new RangeError(
      `the statistics give ${numbers.length} numbers of these features, the score weighs ${weight.length}`,
    );
  let sum = score.bias;
  for (const [index, number] of numbers.entries()) {
    const standard = (number - mean[index]!) / deviation[index]!;
    sum += weight[index]! * Math.min(Math.max(standard, -limit), limit);
  }
  return sum - score.threshold;
}

/** Rows of numbers: [positions][channels], or what reductions have left of them. */
type Grid = readonly (readonly number[])[];

/** The numbers of one statistic, position by position. */
export function numbersOf(statistic: Statistic, { shape, data }: Tensor): number[] {
  const [positions = 0, channels = 0] = shape;
  const [top, bottom] = within(statistic.positions, positions);
  const [left, right] = within(statistic.channels, channels);
  const cut: Grid = Array.from({ length: bottom - top }, (_, row) =>
    Array.from(data.subarray((top + row) * channels + left, (top + row) * channels + right)),
  );
  const numbers = statistic.reduce.reduce(reduced, cut).flat();
  const { log } = statistic;
  return log === undefined ? numbers : numbers.map((number) => Math.log(number + log));
}

function within(span: Span | undefined, size: number): Span {
  if (span === undefined) return [0, size];
  if (span[1] <= size) return span;
  throw new RangeError(`a statistic reads up to ${span[1]} of ${size}`);
}

function reduced(grid: Grid, reduction: Reduction): Grid {
  if (reduction.over === "channels") return grid.map((row) => [numberOf(row, reduction)]);
  const columns = grid[0]?.length ?? 0;
  const column = (index: number): number[] => grid.map((row) => row[index]!);
  return [Array.from({ length: columns }, (_, index) => numberOf(column(index), reduction))];
}

function numberOf(values: readonly number[], reduction: Reduction): number {
  switch (reduction.by) {
    case "mean":
      return meanOf(values);
    case "deviation": {
      const mean = meanOf(values);
      return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
    }
    case "best":
      return meanOf(largestFirst(values).slice(0, reduction.count));
    case "rank":
      return largestFirst(values)[reduction.rank - 1] ?? Number.NaN;
    case "below":
      return meanOf(values.map((value) => (value < reduction.bound ? 1 : 0)));
    default:
      return reduction satisfies never;
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function largestFirst(values: readonly number[]): number[] {
  return values.toSorted((a, b) => b - a);
}
