import { UsageError } from "../../command.ts";
import { table } from "../../terminal/table.ts";
import type { Result } from "../results.ts";
import { comparePairs, type PairedComparison, SIGNIFICANT } from "../scoring/paired.ts";

/** What became of a test set since a baseline, in the shape of its JSON. */
export interface BaselineReport {
  /** Whether the loss over all questions is no accident. Families are told and do not decide: of many some fall by chance. */
  readonly is_worse: boolean;
  readonly overall: PairedComparison;
  readonly families: readonly (PairedComparison & { readonly family: string })[];
  /** Ids of the questions that scored less than before, the greatest losses first, at most `MAX_LISTED`. */
  readonly lost: readonly string[];
  /** Results without a counterpart in the baseline. */
  readonly unpaired: number;
}

/** What is listed; the results file has all. */
const MAX_LISTED = 20;

/**
 * Compares results with earlier ones of the same questions at the same canvas and steps, whatever mode, weights or service made
 * either. Throws UsageError where a question expects something else than it did, and where none is in both.
 *
 * @param uniform numbers in 0 … 1
 */
export function compareWithBaseline(
  results: readonly Result[],
  baseline: Iterable<Result>,
  uniform: () => number,
): BaselineReport {
  const earlier = new Map([...baseline].map((result) => [identityOf(result), result]));
  const paired = results.flatMap((after) => {
    const before = earlier.get(identityOf(after));
    if (before === undefined) return [];
    if (JSON.stringify(before.expected) !== JSON.stringify(after.expected))
      throw new UsageError(
        `the baseline's question ${after.id} expects ${JSON.stringify(before.expected)}, and this one ${JSON.stringify(after.expected)}: it is of another test set`,
      );
    return [{ after, pair: { before: before.score, after: after.score } }];
  });
  if (paired.length === 0)
    throw new UsageError(
      "the baseline has none of these questions at these canvases and steps: ask with the options that it was made with",
    );
  const compared = (of: typeof paired): PairedComparison =>
    comparePairs(
      of.map(({ pair }) => pair),
      uniform,
    );
  const overall = compared(paired);
  const lost = paired
    .filter(({ pair }) => pair.after < pair.before)
    .toSorted((one, other) => lossOf(other.pair) - lossOf(one.pair));
  return {
    is_worse: overall.difference < 0 && overall.chance < SIGNIFICANT,
    overall,
    families: [...Map.groupBy(paired, ({ after }) => after.family)].map(([family, of]) => ({
      family,
      ...compared(of),
    })),
    lost: lost.slice(0, MAX_LISTED).map(({ after }) => after.id),
    unpaired: results.length - paired.length,
  };
}

function identityOf({ id, canvas, steps }: Result): string {
  return JSON.stringify([id, canvas, steps]);
}

function lossOf({ before, after }: { readonly before: number; readonly after: number }): number {
  return before - after;
}

/** Draws the comparison for people. */
export function drawBaseline(report: BaselineReport): string {
  const { overall, families, lost, unpaired, is_worse: isWorse } = report;
  const rows =
    families.length > 1
      ? [...families, { family: "overall", ...overall }]
      : [{ family: "overall", ...overall }];
  const head = [
    "AGAINST THE BASELINE",
    "N",
    "DIFFERENCE",
    "95 % FROM",
    "TO",
    "LOST",
    "WON",
    "CHANCE",
  ];
  const cells = rows.map((row) => [
    row.family,
    String(row.pairs),
    ...[row.difference, ...row.interval].map(points),
    String(row.lost),
    String(row.won),
    row.chance.toFixed(4),
  ]);
  const verdict = isWorse
    ? `Worse than the baseline: so great a loss has a chance of ${overall.chance.toFixed(4)} where nothing changed.`
    : "No significant loss against the baseline.";
  const left = unpaired === 0 ? "" : ` ${unpaired} without a counterpart in it.`;
  const listed = lost.length === 0 ? "" : `lost: ${lost.join(", ")}\n`;
  return `${table(head, cells)}${listed}${verdict}${left}\n`;
}

function points(share: number): string {
  return `${share < 0 ? "" : "+"}${(share * 100).toFixed(1)}`;
}
