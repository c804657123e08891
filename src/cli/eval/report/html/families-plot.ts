import type { Interval } from "../../scoring/statistics.ts";
import { percent } from "../draw.ts";
import type { ColumnReport, Report, Row } from "../report.ts";
import { shownColumns } from "./lines.ts";
import { figure, mark, PERCENTS, stroke, verticals } from "./marks.ts";
import { html, type Markup } from "./markup.ts";

/** Pixels of a family's name, of each column's line below it, and of what parts it from the next family. */
const [NAME, LINE, GAP] = [26, 13, 9];

/** Score of every family in every column, with its interval. */
export function familiesPlot(report: Report): Markup {
  const columns = shownColumns(report.columns);
  const families = [
    ...new Set(columns.flatMap(({ column }) => column.families.map(({ family }) => family))),
  ];
  const rows = families.length > 1 ? [...families, "overall"] : ["overall"];
  const step = NAME + LINE * columns.length + GAP;
  const bottom = rows.length * step;
  const drawn = rows.flatMap((family, index) => [
    html`<text class="name" x="0" y="${index * step + 14}">${family}</text>`,
    ...columns.flatMap(({ column, place }, line) => {
      const row = rowOf(column, family);
      if (row === undefined || row.questions === row.failed) return [];
      const title = `${column.column}, ${family}: ${percent(row.score)} % of ${row.questions}`;
      return whiskered(place, row.score, row.interval, index * step + NAME + LINE * line, title);
    }),
  ]);
  const all = columns.length === report.columns.length;
  return figure(
    {
      title: "Accuracy by family",
      words: `Share of right answers, with its 95 % interval${all ? "" : "; of columns that differ in their steps alone, the one with the most"}.`,
      height: bottom + 24,
      names: columns.map(({ column, place }) => ({ name: column.column, place })),
    },
    [...verticals(PERCENTS, [0, bottom]), ...drawn],
  );
}

function rowOf(column: ColumnReport, family: string): Row | undefined {
  return family === "overall"
    ? column.overall
    : column.families.find((one) => one.family === family);
}

function whiskered(
  place: number,
  score: number,
  [low, high]: Interval,
  y: number,
  title: string,
): readonly Markup[] {
  return [stroke(place, [low, y], [high, y]), mark(place, score, y, title)];
}
