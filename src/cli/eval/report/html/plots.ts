import { percent } from "../draw.ts";
import type { ColumnReport, Report } from "../report.ts";
import { shownColumns } from "./lines.ts";
import {
  BOTTOM,
  figure,
  heightOf,
  horizontals,
  mark,
  PERCENTS,
  stroke,
  verticals,
} from "./marks.ts";
import { html, type Markup } from "./markup.ts";

/** Pixels of a column's name, of its line below, and of what parts it from the next. */
const [NAME, LINE, GAP] = [26, 13, 9];

/** Of the columns that say how sure they are: how many answers are wrong when only the surest are taken. */
export function coveragePlot(
  all: readonly ColumnReport[],
  curves: readonly (readonly number[] | undefined)[],
): Markup | undefined {
  const curved = shownColumns(all).flatMap(({ column, place }) => {
    const risk = curves[place]?.map((score) => 1 - score);
    return risk === undefined ? [] : [{ column: column.column, place, risk }];
  });
  if (curved.length === 0) return undefined;
  // The surest tenth is a handful of answers: what one of them does to it is no height to draw by.
  const heights = curved.flatMap(({ risk }) => risk.slice(Math.floor(risk.length / 10)));
  const most = Math.min(1, Math.max(0.1, Math.ceil(Math.max(...heights) * 10) / 10));
  const drawn = curved.flatMap(({ column, place, risk }) => {
    const points = risk.map(
      (value, index) => [(index + 1) / risk.length, heightOf(Math.min(value, most), most)] as const,
    );
    const lines = points
      .slice(1)
      .map((point, index) => stroke(place, points[index] ?? point, point, "line"));
    const [x, y] = points.at(-1) ?? [1, BOTTOM];
    return [...lines, mark(place, x, y, `${column}: ${percent(risk.at(-1) ?? 0)} % wrong of all`)];
  });
  const ticks = [0, 0.5, 1].map((at) => at * most);
  return figure(
    {
      title: "Risk by coverage",
      words:
        "Share of wrong answers when only the surest are taken. Low at the left: the model knows when it does not know.",
      height: BOTTOM + 26,
      names: curved.map(({ column, place }) => ({ name: column, place })),
    },
    [
      ...horizontals(
        ticks.map((at) => ({ y: heightOf(at, most), label: `${percent(at, 0)} % wrong` })),
      ),
      ...verticals(PERCENTS, [BOTTOM, BOTTOM]),
      ...drawn,
    ],
  );
}

/** Median of the latencies, and where 95 % of them end. */
export function latencyPlot({ columns }: Report): Markup {
  const ends = columns.flatMap(({ overall }) => [
    overall.latency_ms.median,
    overall.latency_ms.p95,
  ]);
  const least = 10 ** Math.floor(Math.log10(Math.max(1, Math.min(...ends))));
  const most = 10 ** Math.ceil(Math.log10(Math.max(least * 10, ...ends)));
  const decades = Math.round(Math.log10(most / least));
  const xOf = (ms: number): number => Math.log10(Math.max(ms, least) / least) / decades;
  const step = NAME + LINE + GAP;
  const bottom = columns.length * step;
  const drawn = columns.flatMap(({ column, overall }, place) => {
    const { median, p95 } = overall.latency_ms;
    const y = place * step + NAME;
    return [
      html`<text class="name" x="0" y="${place * step + 14}">${column} <tspan class="quiet">${duration(median)}, 95 % within ${duration(p95)}</tspan></text>`,
      stroke(place, [xOf(median), y], [xOf(p95), y]),
      mark(place, xOf(median), y, `${column}: median ${duration(median)}`),
    ];
  });
  const ticks = Array.from({ length: decades + 1 }, (_, decade) => ({
    at: decade / decades,
    label: duration(least * 10 ** decade),
  }));
  return figure(
    {
      title: "Latency",
      words: "From question to answer: the median, and up to where 95 % end.",
      height: bottom + 24,
      names: [],
    },
    [...verticals(ticks, [0, bottom]), ...drawn],
  );
}

/** Writes milliseconds as people say them. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  return seconds < 100 ? `${Number(seconds.toPrecision(2))} s` : `${seconds.toFixed(0)} s`;
}
