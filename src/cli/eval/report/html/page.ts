import { dollars } from "../../../terminal/table.ts";
import { SIGNIFICANT } from "../../scoring/paired.ts";
import type { Comparison } from "../comparison.ts";
import { chanceText, columnNotes, percent, points, shownComparisons } from "../draw.ts";
import type { ColumnReport, Report, Row } from "../report.ts";
import { type Card, cardSection } from "./cards.ts";
import type { Differences } from "./disagreements.ts";
import { familiesPlot } from "./families-plot.ts";
import { swatch } from "./marks.ts";
import { html, Markup } from "./markup.ts";
import { coveragePlot, duration, latencyPlot } from "./plots.ts";
import { stepsPlot } from "./steps-plot.ts";
import { STYLE } from "./style.ts";

export interface PageContent {
  readonly report: Report;
  /** When it was made, such as 2026-01-31. */
  readonly day: string;
  readonly differences: Differences;
  readonly cards: readonly Card[];
  /** Of each column, the scores of its surest answers; undefined where nobody says how sure they are. */
  readonly curves: readonly (readonly number[] | undefined)[];
}

/** Nothing is fetched, run or sent: whoever opens the file tells nobody, whatever a model has written into it. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The report as a page that needs nothing beside itself. */
export function reportPage({ report, day, differences, cards, curves }: PageContent): string {
  const { columns } = report;
  const names = columns.map(({ column }) => column);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8" /><meta http-equiv="content-security-policy" content="${POLICY}" /><meta name="viewport" content="width=device-width, initial-scale=1" /><meta name="referrer" content="no-referrer" /><title>${report.test_set}: ${names.join(", ")}</title><style>${new Markup(STYLE)}</style></head>
<body><main><header><h1>${report.test_set}</h1><p class="lead">${leadOf(report)} ${day}.</p>${report.note === null ? "" : html`<p class="lead"><bdi>${report.note}</bdi></p>`}</header>
${summary(report)}
<div class="plots"><div>${familiesPlot(report)}</div><div>${[stepsPlot(report), coveragePlot(columns, curves), latencyPlot(report)].filter((plot) => plot !== undefined)}</div></div>
${report.comparisons.length > 0 ? comparisonSection(report) : html``}
${cardSection(cards, differences.patterns, names)}
${figuresSection(columns)}
<footer>${FOOTER}</footer></main></body></html>
`;
  return page.text;
}

function leadOf({ questions, columns, is_complete: isComplete }: Report): string {
  const asked = `${questions} questions, ${columns.length === 1 ? "one column" : `${columns.length} columns`}.`;
  return isComplete ? asked : `${asked} Not all of them have an answer.`;
}

function summary({ columns, skipped }: Report): Markup {
  const rows = columns.map(
    ({ column, overall, risk_coverage: risk }, place) =>
      html`<tr><td>${swatch(place)}<bdi>${column}</bdi></td><td><strong>${percent(overall.score)}</strong></td><td>${percent(overall.interval[0])} to ${percent(overall.interval[1])}</td><td>${duration(overall.latency_ms.median)}</td><td>${duration(overall.latency_ms.p95)}</td><td>${overall.charged_micros === null ? "–" : dollars(overall.charged_micros)}</td><td>${overall.mean_steps === null ? "–" : overall.mean_steps.toFixed(1)}</td><td>${overall.refused}</td><td>${overall.failed}</td><td>${risk === null ? "–" : risk.aurc.toFixed(3)}</td></tr>`,
  );
  const head = [
    "% right",
    "95 % interval",
    "median",
    "95 % within",
    "cost",
    "steps",
    "refused",
    "failed",
    "AURC",
  ];
  const notes = [
    ...skipped.map(
      ({ rows: count, reason, first }) =>
        `${count} left out of the file, the first in ${first}: ${reason}`,
    ),
    ...columnNotes(columns),
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Columns"><table><thead><tr><th scope="col">column</th>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div><ul class="notes">${notes.map((note) => html`<li><bdi>${note}</bdi></li>`)}</ul>`;
}

function comparisonSection({ comparisons, columns }: Report): Markup {
  const placeOf = (name: string): number => columns.findIndex(({ column }) => column === name);
  const rows = shownComparisons(comparisons).map(
    (one) =>
      html`<tr><td class="text">${swatch(placeOf(one.first))}<bdi>${one.first}</bdi></td><td class="text">${swatch(placeOf(one.second))}<bdi>${one.second}</bdi></td><td>${points(one.difference)}</td><td>${points(one.interval[0])} to ${points(one.interval[1])}</td><td>${one.won}</td><td>${one.lost}</td><td>${chanceText(one.corrected)}</td><td class="text">${verdictOf(one)}</td></tr>`,
  );
  const head = ["points", "95 % interval", "first only", "second only", "chance"];
  return html`<section><h2>Question by question</h2><p class="quiet">The same questions in both columns. Chance: how likely so great a difference is where there is none, corrected for the number of comparisons.</p><div class="scroll" tabindex="0" role="region" aria-label="Comparisons"><table><thead><tr><th scope="col">first</th><th scope="col" class="text">second</th>${head.map((name) => html`<th scope="col">${name}</th>`)}<th scope="col" class="text">the first is</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function verdictOf({ corrected, difference }: Comparison): string {
  if (corrected >= SIGNIFICANT) return "no different, as far as is shown";
  return difference > 0 ? "better" : "worse";
}

/** Every number of the plots, for whoever cannot see them or wants them exact. */
function figuresSection(columns: readonly ColumnReport[]): Markup {
  const tables = columns.map(
    ({ column, families, overall }, place) =>
      html`<details><summary>${swatch(place)}<bdi>${column}</bdi></summary><div class="scroll" tabindex="0" role="region" aria-label="Figures of ${column}"><table><thead><tr><th scope="col">family</th>${FIGURES.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${[...families, overall].map(figureRow)}</tbody></table></div></details>`,
  );
  return html`<section><h2>All figures</h2>${tables}</section>`;
}

const FIGURES: readonly string[] = [
  "questions",
  "refused",
  "failed",
  "% right",
  "from",
  "to",
  "median",
  "95 % within",
  "cost",
];

function figureRow(row: Row): Markup {
  return html`<tr><td><bdi>${row.family}</bdi></td><td>${row.questions}</td><td>${row.refused}</td><td>${row.failed}</td><td>${percent(row.score)}</td><td>${percent(row.interval[0])}</td><td>${percent(row.interval[1])}</td><td>${duration(row.latency_ms.median)}</td><td>${duration(row.latency_ms.p95)}</td><td>${row.charged_micros === null ? "–" : dollars(row.charged_micros)}</td></tr>`;
}

const FOOTER: Markup = html`<p>Made by <code>unmask eval</code>. Intervals are Wilson’s for scores of 0 and 1, bootstraps for others. Chances are of the exact McNemar test, or of resampling, corrected after Holm.</p><p>Refused questions score 0. Failed ones got no reply that could be read; they have no score and are left out of comparisons. AURC is the mean of the risk over all coverages; 0 is best.</p>`;
