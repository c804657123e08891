import type { ColumnReport } from "../report.ts";

/** A column and its place in the report, which gives it its mark. */
export interface Placed {
  readonly column: ColumnReport;
  readonly place: number;
}

/** Columns that differ in their steps alone, the fewest first; or one of others. */
export type Line = readonly [Placed, ...Placed[]];

/** Groups columns into lines. */
export function linesOf(columns: readonly ColumnReport[]): readonly Line[] {
  const placed = columns.map((column, place) => ({ column, place }));
  return [...Map.groupBy(placed, ({ column }) => lineOf(column)).values()].flatMap((line) => {
    const [first, ...rest] = line.toSorted((a, b) => (a.column.steps ?? 0) - (b.column.steps ?? 0));
    return first === undefined ? [] : [[first, ...rest] as const];
  });
}

function lineOf({ kind, mode, canvas, choices, column }: ColumnReport): string {
  return kind === "own" ? JSON.stringify([mode, canvas, choices]) : column;
}

/** Columns that a plot can have and still be read. */
const MAX_SHOWN = 6;

/** All columns; of very many those with the most steps of each line. */
export function shownColumns(columns: readonly ColumnReport[]): readonly Placed[] {
  if (columns.length <= MAX_SHOWN) return columns.map((column, place) => ({ column, place }));
  return linesOf(columns)
    .map((line) => line.at(-1) ?? line[0])
    .slice(0, MAX_SHOWN);
}
