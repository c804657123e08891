import { UsageError } from "../../command.ts";
import { table } from "../../terminal/table.ts";
import type { Result, Scored, Task } from "../results.ts";
import { readResults } from "../results-file.ts";
import {
  comparePairs,
  type PairedComparison,
  type ScoredPair,
  SIGNIFICANT,
} from "../scoring/paired.ts";
import { points } from "./draw.ts";

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

/** A result and the column that it is of. */
export interface Placed {
  readonly column: string;
  readonly result: Scored;
}

/** The results of an earlier evaluation, of the same questions at the same canvas and steps, whatever mode, weights or service made them. */
export class Baseline {
  readonly #results: ReadonlyMap<string, Pick<Result, "score" | "expected">>;
  /** With several columns in it, each is compared with the one of its name. */
  readonly #hasColumns: boolean;

  private constructor(results: readonly Result[]) {
    this.#hasColumns = new Set(results.map(({ column }) => column)).size > 1;
    this.#results = new Map(
      results.map(({ score, expected, ...of }) => [
        this.#identityOf(of.column, of),
        { score, expected },
      ]),
    );
  }

  /** Reads the results file of an evaluation. Throws UsageError where there is none. */
  static async open(file: string): Promise<Baseline> {
    const results: Result[] = [];
    try {
      for await (const result of readResults(file)) if (result.error === null) results.push(result);
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
    }
    if (results.length === 0)
      throw new UsageError(
        `the baseline ${file} is not there or holds no results: make one with --out`,
      );
    return new Baseline(results);
  }

  /** Throws UsageError where a question expects something else than it did. */
  check({ question, column, asked }: Task): void {
    const { canvas, steps } = asked;
    const before = this.#results.get(this.#identityOf(column, { id: question.id, canvas, steps }));
    if (before === undefined) return;
    const [was, is] = [before.expected, question.expected].map((one) => JSON.stringify(one));
    if (was !== is)
      throw new UsageError(
        `the baseline's question ${question.id} expects ${was}, and this one ${is}: it is of another test set`,
      );
  }

  /**
   * Compares results with it. Throws UsageError where no question is in both.
   *
   * @param uniform numbers in 0 … 1
   */
  compare(results: readonly Placed[], uniform: () => number): BaselineReport {
    const paired = results.flatMap(({ column, result }) => {
      const before = this.#results.get(this.#identityOf(column, result))?.score;
      const after = result.score;
      return typeof before === "number" && after !== null
        ? [{ result, pair: { before, after } }]
        : [];
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
      families: [...Map.groupBy(paired, ({ result }) => result.family)].map(([family, of]) => ({
        family,
        ...compared(of),
      })),
      lost: lost.slice(0, MAX_LISTED).map(({ result }) => result.id),
      unpaired: results.length - paired.length,
    };
  }

  #identityOf(
    column: string,
    { id, canvas, steps }: Pick<Result, "id" | "canvas" | "steps">,
  ): string {
    return JSON.stringify([this.#hasColumns ? column : "", id, canvas, steps]);
  }
}

function lossOf({ before, after }: ScoredPair): number {
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
