import { dollars, table } from "../../terminal/table.ts";
import type { Result } from "../results.ts";
import {
  type Interval,
  interval,
  mean,
  quantile,
  type RiskCoverage,
  riskCoverage,
} from "../scoring/statistics.ts";

/** What an evaluation found, in the shape of its JSON. */
export interface Report {
  readonly object: "evaluation";
  /** Where answers came from. */
  readonly answerer: string;
  /** Weights that answered; more than one if they were changed on the way. */
  readonly model_digests: readonly string[];
  readonly is_complete: boolean;
  /** One for each number of steps that was asked for, in that order. */
  readonly by_steps: readonly StepsReport[];
}

export interface StepsReport {
  readonly steps: number | null;
  readonly overall: Row;
  /** In the order in which they appear in the test set. */
  readonly families: readonly Row[];
  readonly risk_coverage: RiskCoverage;
}

export interface Row {
  readonly family: string;
  readonly questions: number;
  /** Of them, refused; they score 0. */
  readonly refused: number;
  /** Mean, 0 … 1. */
  readonly score: number;
  /** 95 %. */
  readonly interval: Interval;
  /** Share of the questions whose answer is not to be relied on, by its own word. */
  readonly abstained: number;
  /** Share of the questions whose picture is out of the model's world; null where nobody says of any. */
  readonly out_of_domain: number | null;
  readonly mean_steps: number;
  /** Positions that the passes of an answer computed. */
  readonly mean_rows: number;
  readonly latency_ms: { readonly median: number; readonly p90: number };
  readonly charged_micros: number;
}

export interface ReportOptions {
  readonly answerer: string;
  readonly isComplete: boolean;
  /** For bootstraps: numbers in 0 … 1. */
  readonly uniform: () => number;
}

/** Results of one number of steps; null where each question had its own. */
export interface RoundResults {
  readonly steps: number | null;
  readonly results: readonly Result[];
}

/** Sums results up. */
export function reportOf(rounds: readonly RoundResults[], options: ReportOptions): Report {
  const { answerer, isComplete, uniform } = options;
  const digests = rounds.flatMap(({ results }) => results.flatMap((one) => one.model_digest ?? []));
  return {
    object: "evaluation",
    answerer,
    model_digests: [...new Set(digests)],
    is_complete: isComplete,
    by_steps: rounds.map(({ steps, results }) => ({
      steps,
      overall: rowOf("overall", results, uniform),
      families: [...Map.groupBy(results, ({ family }) => family)].map(([family, own]) =>
        rowOf(family, own, uniform),
      ),
      risk_coverage: riskCoverage(results),
    })),
  };
}

function rowOf(family: string, results: readonly Result[], uniform: () => number): Row {
  const answered = results.filter(({ error }) => error === null);
  const latencies = answered.map(({ ms }) => ms);
  const scores = results.map(({ score }) => score);
  return {
    family,
    questions: results.length,
    refused: results.length - answered.length,
    score: mean(scores),
    interval: interval(scores, uniform),
    abstained: mean(results.map(({ abstained }) => Number(abstained))),
    out_of_domain: outOfDomain(results),
    mean_steps: mean(answered.map(({ steps_run }) => steps_run)),
    mean_rows: mean(answered.map(({ rows }) => rows)),
    latency_ms: { median: quantile(latencies, 0.5), p90: quantile(latencies, 0.9) },
    charged_micros: results.reduce((sum, { charged_micros }) => sum + charged_micros, 0),
  };
}

function outOfDomain(results: readonly Result[]): number | null {
  const told = results.filter(({ in_domain }) => in_domain !== null);
  return told.length === 0 ? null : mean(told.map(({ in_domain }) => Number(in_domain === false)));
}

/** Draws a report for people. */
export function drawReport(report: Report): string {
  const parts = report.by_steps.map((part) => drawSteps(part));
  if (report.by_steps.length > 1) parts.push(drawDial(report.by_steps));
  const weights = report.model_digests.map((digest) => digest.slice(0, 12)).join(", ");
  parts.push(
    `${report.answerer}${weights === "" ? "" : `, weights ${weights}`}${report.is_complete ? "" : "; stopped before the end"}\n`,
  );
  return parts.join("\n");
}

const HEAD: readonly string[] = [
  ...[
    "FAMILY",
    "N",
    "REFUSED",
    "SCORE",
    "95 % FROM",
    "TO",
    "ABSTAINED",
    "OUTSIDE",
    "STEPS",
    "ROWS",
    "MEDIAN MS",
  ],
  ...["P90 MS", "CHARGED"],
];

function drawSteps({ steps, families, overall, risk_coverage: risk }: StepsReport): string {
  const rows = families.length > 1 ? [...families, overall] : [overall];
  const cells = rows.map((row) => [
    row.family,
    String(row.questions),
    String(row.refused),
    ...[row.score, ...row.interval].map((share) => percent(share)),
    percent(row.abstained),
    row.out_of_domain === null ? "-" : percent(row.out_of_domain),
    row.mean_steps.toFixed(1),
    row.mean_rows.toFixed(0),
    ...[row.latency_ms.median, row.latency_ms.p90].map((ms) => ms.toFixed(0)),
    dollars(row.charged_micros),
  ]);
  const shares = risk.at.map(
    ({ coverage, score }) => `${percent(score)} of the surest ${percent(coverage, 0)}`,
  );
  const title = steps === null ? "" : `${steps} ${steps === 1 ? "step" : "steps"}\n`;
  const relied = `${percent(risk.answered.score)} of the ${percent(risk.answered.coverage)} % that did not abstain`;
  return `${title}${table(HEAD, cells)}Score in % by confidence: ${shares.join(", ")} %; ${relied}; AURC ${risk.aurc.toFixed(4)}\n`;
}

/** The dial between price and quality: score of each family, a column for each number of steps. */
function drawDial(parts: readonly StepsReport[]): string {
  const families = [...new Set(parts.flatMap((part) => part.families.map(({ family }) => family)))];
  const scoreOf = (part: StepsReport, family: string): string => {
    const row = part.families.find((one) => one.family === family);
    return row === undefined ? "-" : percent(row.score);
  };
  const rows = [
    ...families.map((family) => [family, ...parts.map((part) => scoreOf(part, family))]),
    ["overall", ...parts.map(({ overall }) => percent(overall.score))],
    ["charged", ...parts.map(({ overall }) => dollars(overall.charged_micros))],
    ["median ms", ...parts.map(({ overall }) => overall.latency_ms.median.toFixed(0))],
  ];
  return table(["SCORE BY STEPS", ...parts.map(({ steps }) => String(steps))], rows);
}

function percent(share: number, digits = 1): string {
  return (share * 100).toFixed(digits);
}
