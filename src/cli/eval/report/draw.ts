import { dollars, table } from "../../terminal/table.ts";
import { SIGNIFICANT } from "../scoring/paired.ts";
import type { Comparison } from "./comparison.ts";
import type { ColumnReport, Report, Row } from "./report.ts";

/** Draws a report for people: one column by family; of several their sums, their scores by family, and how they compare. */
export function drawReport(report: Report): string {
  const [only, ...others] = report.columns;
  const parts =
    only !== undefined && others.length === 0
      ? [drawFamilies(only)]
      : [drawColumns(report), drawScores(report.columns), drawComparisons(report.comparisons)];
  return [...parts, drawFoot(report)].filter((part) => part !== "").join("\n");
}

const FIGURES: readonly string[] = [
  ...["N", "REFUSED", "FAILED", "SCORE", "95 % FROM", "TO", "ABSTAINED", "OUTSIDE", "STEPS"],
  ...["ROWS", "MEDIAN MS", "P95 MS", "CHARGED"],
];

function figuresOf(row: Row): readonly string[] {
  return [
    String(row.questions),
    String(row.refused),
    String(row.failed),
    ...[row.score, ...row.interval].map((share) => percent(share)),
    percent(row.abstained),
    row.out_of_domain === null ? "-" : percent(row.out_of_domain),
    row.mean_steps?.toFixed(1) ?? "-",
    row.mean_rows?.toFixed(0) ?? "-",
    ...[row.latency_ms.median, row.latency_ms.p95].map((ms) => ms.toFixed(0)),
    row.charged_micros === null ? "-" : dollars(row.charged_micros),
  ];
}

function drawFamilies(column: ColumnReport): string {
  const { families, overall, risk_coverage: risk } = column;
  const rows = families.length > 1 ? [...families, overall] : [overall];
  const drawn = table(
    ["FAMILY", ...FIGURES],
    rows.map((row) => [row.family, ...figuresOf(row)]),
  );
  if (risk === null) return drawn;
  const shares = risk.at.map(
    ({ coverage, score }) => `${percent(score)} of the surest ${percent(coverage, 0)}`,
  );
  const relied = `${percent(risk.answered.score)} of the ${percent(risk.answered.coverage)} % that did not abstain`;
  return `${drawn}Score in % by confidence: ${shares.join(", ")} %; ${relied}; AURC ${risk.aurc.toFixed(4)}\n`;
}

function drawColumns({ columns }: Report): string {
  return table(
    ["COLUMN", ...FIGURES, "AURC"],
    columns.map(({ column, overall, risk_coverage: risk }) => [
      column,
      ...figuresOf(overall),
      risk?.aurc.toFixed(4) ?? "-",
    ]),
  );
}

/** Score of each family, a column for each: what the dial between price and quality does where numbers of steps are the columns. */
function drawScores(columns: readonly ColumnReport[]): string {
  const families = [...new Set(columns.flatMap((one) => one.families.map(({ family }) => family)))];
  if (families.length < 2) return "";
  const rows = families.map((family) => [
    family,
    ...columns.map((column) => {
      const row = column.families.find((one) => one.family === family);
      return row === undefined ? "-" : percent(row.score);
    }),
  ]);
  const overall = ["overall", ...columns.map((column) => percent(column.overall.score))];
  return table(["SCORE IN %", ...columns.map(({ column }) => column)], [...rows, overall]);
}

/** Comparisons that people are shown. */
const MAX_COMPARISONS = 15;

/** All comparisons; of very many those with the first column. */
export function shownComparisons(all: readonly Comparison[]): readonly Comparison[] {
  return all.length <= MAX_COMPARISONS ? all : all.filter(({ first }) => first === all[0]?.first);
}

function drawComparisons(all: readonly Comparison[]): string {
  if (all.length === 0) return "";
  const comparisons = shownComparisons(all);
  const rows = comparisons.map((one) => [
    one.first,
    one.second,
    String(one.pairs),
    ...[one.difference, ...one.interval].map(points),
    String(one.won),
    String(one.lost),
    chanceText(one.corrected),
    one.corrected < SIGNIFICANT ? (one.difference > 0 ? "better" : "worse") : "no difference shown",
  ]);
  const head = [
    "FIRST",
    "SECOND",
    "N",
    "DIFFERENCE",
    "95 % FROM",
    "TO",
    "FIRST ONLY",
    "SECOND ONLY",
  ];
  const left = all.length - comparisons.length;
  const more = left === 0 ? "" : `and ${left} between the others: --json\n`;
  return table([...head, "CHANCE", "THE FIRST IS"], rows) + more;
}

/** What changes nothing about the figures and must be known to read them. */
function drawFoot(report: Report): string {
  const lines = [
    ...(report.note === null ? [] : [report.note]),
    ...report.skipped.map(
      ({ rows, reason, first }) => `left out: ${rows}, the first in ${first}: ${reason}`,
    ),
    ...columnNotes(report.columns),
  ];
  return `${lines.join("\n")}\n`;
}

/** Where answers came from, what ended columns early, and how answers came that came otherwise than plain: a line for columns that say the same. */
export function columnNotes(columns: readonly ColumnReport[]): readonly string[] {
  const named = (notes: ReadonlyMap<string, readonly string[]>): readonly string[] =>
    [...notes].map(([note, names]) => {
      const isEach = names.length === columns.length;
      return isEach ? note : `${names.join("; ")}: ${note}`;
    });
  return [...named(byNote(columns, sourceOf)), ...named(byNote(columns, formsOf))];
}

/** Columns by what is noted of them; those of which nothing is are left out. */
function byNote(
  columns: readonly ColumnReport[],
  noteOf: (column: ColumnReport) => string,
): ReadonlyMap<string, readonly string[]> {
  const notes = new Map<string, string[]>();
  for (const column of columns) {
    const note = noteOf(column);
    if (note !== "") notes.set(note, [...(notes.get(note) ?? []), column.column]);
  }
  return notes;
}

function sourceOf({ answerer, model_digests: digests, stopped }: ColumnReport): string {
  const weights = digests.map((digest) => digest.slice(0, 12)).join(", ");
  const end =
    stopped === null ? "" : `; stopped before the end${stopped === "" ? "" : `: ${stopped}`}`;
  return `${answerer}${weights === "" ? "" : `, weights ${weights}`}${end}`;
}

function formsOf({ forms, errors }: ColumnReport): string {
  const told = [
    ...Object.entries(forms).map(([form, count]) => `${count} ${form}`),
    ...Object.entries(errors).map(([code, count]) => `${count} without an answer (${code})`),
  ];
  return told.length === 0 ? "" : `of the answers ${told.join(", ")}`;
}

/** Writes a share in percent. */
export function percent(share: number, digits = 1): string {
  return (share * 100).toFixed(digits);
}

/** Writes a chance, which is never none. */
export function chanceText(chance: number): string {
  return chance < 0.0001 ? "< 0.0001" : chance.toFixed(4);
}

/** Writes a difference of shares in percentage points, with its sign. */
export function points(share: number): string {
  return `${share < 0 ? "" : "+"}${(share * 100).toFixed(1)}`;
}
