import type { AnswerMode } from "#domain/modes.ts";
import { UsageError } from "../command.ts";
import type { Endpoint } from "./answering/endpoint.ts";

/** One way of answering the whole test set: a column of the report. */
export type Column = OwnColumn | OtherColumn;

/** How our own columns are asked questions with choices: the choices listed below the question for an answer in words, or read as a field. */
export const choiceForms = ["listed", "read"] as const;

/** One of `choiceForms`. */
export type ChoiceForm = (typeof choiceForms)[number];

/** The model that this tool is of, in one of its modes. */
export interface OwnColumn {
  readonly kind: "own";
  /** Unique among the columns. */
  readonly name: string;
  /** Absent: the model's own. */
  readonly mode: AnswerMode | undefined;
  readonly refresh: number | undefined;
  /** Absent: each question's own. */
  readonly canvas: number | undefined;
  readonly steps: number | undefined;
  /** Absent: listed. */
  readonly choices: ChoiceForm | undefined;
}

/** A model behind an endpoint of OpenAI's form. */
export interface OtherColumn {
  readonly kind: "other";
  readonly name: string;
  readonly endpoint: Endpoint;
}

export interface WantedColumns {
  /** Each empty for the model's or the question's own. */
  readonly modes: readonly AnswerMode[];
  readonly canvases: readonly number[];
  readonly steps: readonly number[];
  readonly choices: readonly ChoiceForm[];
  readonly refresh: number | undefined;
  readonly against: readonly Endpoint[];
  /** Whether the others alone are asked. */
  readonly onlyAgainst: boolean;
}

/** Threat: lists that multiply to days. Nobody reads a table of more. */
const MAX_COLUMNS = 48;

/** Every mode at every canvas, number of steps and form of choices, then the others. Throws UsageError where two would be called alike. */
export function columnsOf(wanted: WantedColumns): readonly Column[] {
  const own = wanted.onlyAgainst ? [] : ownColumns(wanted);
  const others = wanted.against.map(
    (endpoint): OtherColumn => ({ kind: "other", name: endpoint.name, endpoint }),
  );
  const columns = [...own, ...others];
  if (columns.length > MAX_COLUMNS)
    throw new UsageError(`${columns.length} columns are too many; ${MAX_COLUMNS} are the most`);
  for (const [index, { name }] of columns.entries())
    if (columns.findIndex((other) => other.name === name) !== index)
      throw new UsageError(`two columns are called ${name}: tell them apart with --name`);
  return columns;
}

function ownColumns(wanted: WantedColumns): readonly OwnColumn[] {
  const { modes, choices } = wanted;
  const isRead = choices.includes("read");
  const listed = choices.includes("listed") ? "listed" : undefined;
  return orNone(modes).flatMap((mode) => [
    ...(isRead && listed === undefined ? [] : writtenColumns(mode, listed, wanted)),
    ...(isRead ? [readColumn(mode, wanted)] : []),
  ]);
}

function writtenColumns(
  mode: AnswerMode | undefined,
  choices: ChoiceForm | undefined,
  { modes, canvases, steps, refresh, choices: forms }: WantedColumns,
): readonly OwnColumn[] {
  const varied = [modes, canvases, steps, forms].map(({ length }) => length > 1);
  return orNone(canvases).flatMap((canvas) =>
    // Steps above a canvas are its own number: nothing is asked twice.
    orNone(steps.map((count) => Math.min(count, canvas ?? count))).map((count): OwnColumn => {
      const parts = [
        ...[mode, canvas && `canvas ${canvas}`, count && stepsText(count)],
        choices && `choices ${choices}`,
      ];
      const told = parts.filter((part, index) => varied[index] === true && part !== undefined);
      const name = told.length === 0 ? (mode ?? "unmask") : told.join(", ");
      return { kind: "own", name, mode, refresh, canvas, steps: count, choices };
    }),
  );
}

/** One of each mode: what is read has no steps of its own. Questions without choices have the canvas and steps there where but one is given. */
function readColumn(
  mode: AnswerMode | undefined,
  { canvases, steps, refresh }: WantedColumns,
): OwnColumn {
  const only = (numbers: readonly number[]): number | undefined =>
    numbers.length === 1 ? numbers[0] : undefined;
  const name = mode === undefined ? "choices read" : `${mode}, choices read`;
  const options = { canvas: only(canvases), steps: only(steps) };
  return { kind: "own", name, mode, refresh, ...options, choices: "read" };
}

function orNone<Value>(values: readonly Value[]): readonly (Value | undefined)[] {
  return values.length === 0 ? [undefined] : [...new Set(values)];
}

function stepsText(steps: number): string {
  return `${steps} ${steps === 1 ? "step" : "steps"}`;
}
