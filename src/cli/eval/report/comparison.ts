import type { Scored } from "../results.ts";
import { comparePairs, holm, type PairedComparison } from "../scoring/paired.ts";
import type { ColumnResults } from "./report.ts";

/** Two columns, question by question: `difference` is the first's score less the second's. */
export interface Comparison extends PairedComparison {
  readonly first: string;
  readonly second: string;
  /** `chance_either`, corrected for there being several comparisons (Holm). */
  readonly corrected: number;
}

/** Compares every two columns by the questions that have a score in both. Columns that share none are left out. */
export function compareColumns(
  columns: readonly ColumnResults[],
  uniform: () => number,
): readonly Comparison[] {
  const compared = columns.flatMap((first, index) =>
    columns.slice(index + 1).flatMap((second) => {
      const pairs = pairsOf(first.results, second.results);
      return pairs.length === 0
        ? []
        : [
            {
              first: first.column.name,
              second: second.column.name,
              ...comparePairs(pairs, uniform),
            },
          ];
    }),
  );
  const corrected = holm(compared.map(({ chance_either: chance }) => chance));
  return compared.map((one, index) => ({ ...one, corrected: corrected[index] ?? 1 }));
}

function pairsOf(first: readonly (Scored | undefined)[], second: readonly (Scored | undefined)[]) {
  return first.flatMap((one, place) => {
    const [after, before] = [one?.score, second[place]?.score];
    return typeof after === "number" && typeof before === "number" ? [{ before, after }] : [];
  });
}
