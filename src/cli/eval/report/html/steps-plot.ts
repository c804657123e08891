import { percent } from "../draw.ts";
import type { ColumnReport, Report } from "../report.ts";
import { type Line, linesOf } from "./lines.ts";
import {
  BOTTOM,
  figure,
  heightOf,
  horizontals,
  mark,
  PERCENTS,
  stroke,
  TOP,
  verticals,
} from "./marks.ts";
import type { Markup } from "./markup.ts";

/** Score by number of steps, a line for each mode, canvas and form of choices; models of others are level lines. Undefined with fewer than two numbers. */
export function stepsPlot({ columns }: Report): Markup | undefined {
  const counts = [...new Set(columns.flatMap(({ steps }) => steps ?? []))].toSorted(
    (a, b) => a - b,
  );
  const [least, most] = [counts[0], counts.at(-1)];
  if (least === undefined || most === undefined || least === most) return undefined;
  const lines = linesOf(columns);
  const floor = floorOf(columns);
  const scales: Scales = {
    x: (steps) => 0.04 + (0.92 * Math.log(steps / least)) / Math.log(most / least),
    y: (score) => heightOf(score - floor, 1 - floor),
  };
  return figure(
    {
      title: "Accuracy by steps",
      words:
        "The dial between quality and price: each step is one pass of the model, and is paid for.",
      height: BOTTOM + 26,
      names: lines.map((line) => ({ name: lineName(line), place: placeOf(line) })),
    },
    [
      ...horizontals(
        PERCENTS.filter(({ at }) => at >= floor).map(({ at, label }) => ({
          y: scales.y(at),
          label,
        })),
      ),
      ...verticals(
        counts.map((count) => ({ at: scales.x(count), label: String(count) })),
        [TOP, BOTTOM],
      ),
      ...lines.flatMap((line) => drawnLine(line, scales)),
    ],
  );
}

interface Scales {
  /** Steps as a share of the width; score as a height in pixels. */
  readonly x: (steps: number) => number;
  readonly y: (score: number) => number;
}

/** The quarter below everything: between 80 and 90 % nothing is seen on an axis from 0. */
function floorOf(columns: readonly ColumnReport[]): number {
  const lowest = Math.min(...columns.map(({ overall }) => overall.interval[0]));
  return Math.min(0.75, Math.floor(lowest * 4) / 4);
}

function drawnLine(line: Line, { x, y }: Scales): readonly Markup[] {
  const place = placeOf(line);
  const [{ column: first }] = line;
  const titleOf = ({ column, overall }: ColumnReport): string =>
    `${column}: ${percent(overall.score)} %`;
  if (first.steps === null) {
    const height = y(first.overall.score);
    return [
      stroke(place, [0, height], [1, height], "level"),
      mark(place, 1, height, titleOf(first)),
    ];
  }
  const points = line.map(({ column }) => ({
    column,
    at: [x(column.steps ?? 1), y(column.overall.score)] as const,
  }));
  return [
    ...points.slice(1).map(({ at }, index) => stroke(place, points[index]?.at ?? at, at, "line")),
    ...points.flatMap(({ column, at: [left, height] }) => {
      const [low, high] = column.overall.interval;
      return [
        stroke(place, [left, y(low)], [left, y(high)]),
        mark(place, left, height, titleOf(column)),
      ];
    }),
  ];
}

/** The place of its last column, whose mark the other plots show. */
function placeOf(line: Line): number {
  return (line.at(-1) ?? line[0]).place;
}

function lineName([{ column }]: Line): string {
  if (column.kind === "other") return column.column;
  const parts = [
    column.mode,
    column.canvas === null ? null : `canvas ${column.canvas}`,
    column.choices === null ? null : `choices ${column.choices}`,
  ];
  return parts.filter((part) => part !== null).join(", ") || "unmask";
}
