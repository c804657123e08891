import type { ChoiceForm, Column } from "../columns.ts";
import type { Skipped } from "../files/faults.ts";
import type { Scored } from "../results.ts";
import type { AnswerForm } from "../scoring/answer-form.ts";
import {
  type Interval,
  interval,
  mean,
  quantileOfSorted,
  type RiskCoverage,
  riskCoverage,
  type Trusted,
} from "../scoring/statistics.ts";
import { type Comparison, compareColumns } from "./comparison.ts";

/** What an evaluation found, in the shape of its JSON. */
export interface Report {
  readonly object: "evaluation";
  /** File of the questions. */
  readonly test_set: string;
  /** What whoever made it says beside its figures; null where that is nothing. */
  readonly note: string | null;
  /** Questions that were to be asked in each column. */
  readonly questions: number;
  /** Rows of the file that are no questions, and were left out. */
  readonly skipped: readonly Skipped[];
  readonly is_complete: boolean;
  readonly columns: readonly ColumnReport[];
  /** Of every two columns, the first against the second. */
  readonly comparisons: readonly Comparison[];
}

export interface ColumnReport {
  /** Its name. */
  readonly column: string;
  readonly kind: Column["kind"];
  /** Null where it is the model's or the question's own, and for a model of others. */
  readonly mode: string | null;
  readonly canvas: number | null;
  readonly steps: number | null;
  readonly choices: ChoiceForm | null;
  /** Where answers came from. */
  readonly answerer: string;
  /** Weights that answered; more than one if they were changed on the way. */
  readonly model_digests: readonly string[];
  /** Why it ended before its last question; null where it did not. */
  readonly stopped: string | null;
  readonly overall: Row;
  /** In the order in which they appear in the test set. */
  readonly families: readonly Row[];
  /** Null where nobody says how sure the answers are. */
  readonly risk_coverage: RiskCoverage | null;
  /** Answers by how they came, of those that came otherwise than plain. */
  readonly forms: Readonly<Partial<Record<AnswerForm, number>>>;
  /** Refusals and failures by their code. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface Row {
  readonly family: string;
  /** Asked, and scored or failed. */
  readonly questions: number;
  /** Of them, refused; they score 0. */
  readonly refused: number;
  /** Of them, without a reply that can be read; they have no score. */
  readonly failed: number;
  /** Mean, 0 … 1. */
  readonly score: number;
  /** 95 %. */
  readonly interval: Interval;
  /** Share of the questions whose answer is not to be relied on, by its own word. */
  readonly abstained: number;
  /** Share of the questions whose picture is out of the model's world; null where nobody says of any. */
  readonly out_of_domain: number | null;
  /** Null for a model that has none. */
  readonly mean_steps: number | null;
  /** Positions that the passes of an answer computed; null for a model that has none. */
  readonly mean_rows: number | null;
  readonly latency_ms: { readonly median: number; readonly p95: number };
  /** Null where nobody says. */
  readonly charged_micros: number | null;
}

/** A column and what came of it. */
export interface ColumnResults {
  readonly column: Column;
  readonly answerer: string;
  readonly stopped: string | null;
  /** At the questions' places; undefined where there is none. */
  readonly results: readonly (Scored | undefined)[];
}

export interface ReportOptions {
  readonly testSet: string;
  readonly note?: string | undefined;
  readonly questions: number;
  readonly skipped: readonly Skipped[];
  /** For bootstraps: numbers in 0 … 1. */
  readonly uniform: () => number;
}

/** Sums results up. */
export function reportOf(found: readonly ColumnResults[], options: ReportOptions): Report {
  const { testSet, note = null, questions, skipped, uniform } = options;
  const asked = found.filter(({ results }) => results.some((result) => result !== undefined));
  return {
    object: "evaluation",
    test_set: testSet,
    note,
    questions,
    skipped,
    is_complete: found.every(({ results }) =>
      results.every((result) => result !== undefined && !result.failed),
    ),
    columns: found
      .filter((one) => asked.includes(one) || one.stopped !== null)
      .map((one) => columnReport(one, uniform)),
    comparisons: compareColumns(asked, uniform),
  };
}

function columnReport(
  { column, answerer, stopped, results }: ColumnResults,
  uniform: () => number,
): ColumnReport {
  const there = results.filter((result) => result !== undefined);
  const answered = there.filter(({ error }) => error === null);
  const own = column.kind === "own" ? column : undefined;
  return {
    column: column.name,
    kind: column.kind,
    mode: own?.mode ?? null,
    canvas: own?.canvas ?? null,
    steps: own?.steps ?? null,
    choices: own?.choices ?? null,
    answerer,
    model_digests: digestsOf(there),
    stopped,
    overall: rowOf("overall", there, column.kind, uniform),
    families: [...Map.groupBy(there, ({ family }) => family)].map(([family, of]) =>
      rowOf(family, of, column.kind, uniform),
    ),
    risk_coverage:
      answered.length > 0 && answered.every(isTrusted)
        ? riskCoverage(there.filter(isTrusted))
        : null,
    forms: counts(answered.flatMap(({ form }) => (form === null || form === "plain" ? [] : form))),
    errors: counts(there.flatMap(({ error }) => error ?? [])),
  };
}

function digestsOf(results: readonly Scored[]): readonly string[] {
  const digests = new Set<string>();
  for (const { model_digest: digest } of results) if (digest !== null) digests.add(digest);
  return [...digests];
}

/** Whether an answer has both a score and a confidence. */
export function isTrusted<One extends Scored>(one: One): one is One & Trusted {
  return one.score !== null && one.confidence !== null;
}

function counts<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  const grouped = [...Map.groupBy(names, (name) => name)].toSorted(
    (a, b) => b[1].length - a[1].length,
  );
  return Object.fromEntries(grouped.map(([name, of]) => [name, of.length])) as Record<Name, number>;
}

/** Sums results up in one pass: of a million of them each list that is made on the way has megabytes. */
function rowOf(
  family: string,
  results: readonly Scored[],
  kind: Column["kind"],
  uniform: () => number,
): Row {
  const sums = { answered: 0, failed: 0, steps: 0, rows: 0, abstained: 0, told: 0, outside: 0 };
  let charged: number | null = 0;
  const latencies = new Float64Array(results.length);
  const scores: number[] = [];
  for (const result of results) {
    if (result.score !== null) scores.push(result.score);
    if (result.failed) sums.failed += 1;
    if (result.abstained) sums.abstained += 1;
    if (result.in_domain !== null) sums.told += 1;
    if (result.in_domain === false) sums.outside += 1;
    if (result.error !== null) continue;
    latencies[sums.answered] = result.ms;
    sums.answered += 1;
    sums.steps += result.steps_run;
    sums.rows += result.rows;
    // Null as soon as one charge is not known: a sum of the others would look like a price.
    charged =
      charged === null || result.charged_micros === null ? null : charged + result.charged_micros;
  }
  const { answered, failed } = sums;
  const isOwn = kind === "own";
  const sorted = latencies.subarray(0, answered).sort();
  return {
    family,
    questions: results.length,
    refused: results.length - answered - failed,
    failed,
    score: mean(scores),
    interval: interval(scores, uniform),
    abstained: share(sums.abstained, results.length),
    out_of_domain: sums.told === 0 ? null : sums.outside / sums.told,
    mean_steps: isOwn ? share(sums.steps, answered) : null,
    mean_rows: isOwn ? share(sums.rows, answered) : null,
    latency_ms: { median: quantileOfSorted(sorted, 0.5), p95: quantileOfSorted(sorted, 0.95) },
    charged_micros: charged,
  };
}

function share(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count;
}
