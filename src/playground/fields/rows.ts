import { type FieldType, fieldTypes } from "#domain/fields.ts";
import type { ToldReading } from "#wire/read-style.ts";

/** A value that is to be read, as it is being written down. What is null, or empty, is left to the usual. */
export interface FieldRow {
  /** Tells rows apart, whatever they are called. */
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
  /** What the model is asked. */
  readonly instructions: string;
  /** Of a choice its options, of a level the levels from the lowest on, of a list what its items may be; one a line, and indented below it what it means. */
  readonly options: string;
  /** Whether "none of these" is an option too. */
  readonly none: boolean;
  /** Of yes or no what each means, where the words do not say it. */
  readonly yes: string;
  readonly no: string;
  /** Of what is written: whether something is, whatever the picture shows. */
  readonly required: boolean;
  /** Of a time whether it has seconds. */
  readonly seconds: boolean;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly decimals: number | null;
  readonly maxTokens: number | null;
  readonly maxItems: number | null;
}

/** What stands in the place of what is left open. */
export const usual = { minimum: 0, maximum: 9, decimals: 0, maxTokens: 12, maxItems: 3 } as const;

/** What a person knows the types by. */
export const typeWords: Readonly<Record<FieldType, string>> = {
  boolean: "yes or no",
  choice: "one of several",
  score: "level",
  number: "number",
  date: "date",
  time: "time",
  datetime: "date and time",
  text: "text",
  list: "list",
};

/** Types that a model can be asked for: one that answers in sentences says one thing at a time, and so no list. */
export function typesOf(read: Pick<ToldReading, "style"> | null): readonly FieldType[] {
  return read?.style === "sentence" ? fieldTypes.filter((type) => type !== "list") : fieldTypes;
}

let count = 0;

/** A row with nothing in it but what is told. */
export function newRow(told: Partial<Omit<FieldRow, "id">> = {}): FieldRow {
  count += 1;
  return { ...emptyRow, ...told, id: count };
}

const emptyRow: Omit<FieldRow, "id"> = {
  name: "",
  type: "boolean",
  instructions: "",
  options: "",
  none: false,
  yes: "",
  no: "",
  required: false,
  seconds: false,
  minimum: null,
  maximum: null,
  decimals: null,
  maxTokens: null,
  maxItems: null,
};

/** An option as it is written down: `description` is "" where nothing is said of it. */
export interface WrittenOption {
  readonly value: string;
  readonly description: string;
}

/** How far a line is set in that says what the option above it means. */
const INDENT = "  ";

/** Reads options, one a line. Lines that are set in by two spaces or more than the least of them say what the option above means. */
export function optionsIn(text: string): readonly WrittenOption[] {
  const lines = text
    .replaceAll("\t", INDENT)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const least = Math.min(...lines.map((line) => line.search(/\S/)));
  const options: WrittenOption[] = [];
  for (const line of lines) {
    const above = options.at(-1);
    const said = line.trim();
    if (above === undefined || !line.slice(least).startsWith(INDENT))
      options.push({ value: said, description: "" });
    else {
      const description = above.description === "" ? said : `${above.description} ${said}`;
      options[options.length - 1] = { ...above, description };
    }
  }
  return options;
}

/** Writes options as they are read. */
export function optionsText(options: readonly WrittenOption[]): string {
  return options
    .flatMap(({ value, description }) =>
      description.trim() === "" ? [value] : [value, `${INDENT}${description}`],
    )
    .join("\n");
}

/** Moves a row by as many places, no further than to either end. */
export function moved(rows: readonly FieldRow[], id: number, by: number): readonly FieldRow[] {
  const from = rows.findIndex((row) => row.id === id);
  const row = rows[from];
  if (row === undefined) return rows;
  const others = rows.filter((one) => one !== row);
  const to = Math.min(others.length, Math.max(0, from + by));
  return others.toSpliced(to, 0, row);
}

/** A name that no row has. */
export function freeName(rows: readonly FieldRow[]): string {
  const names = new Set(rows.map(({ name }) => name.trim()));
  let number = rows.length + 1;
  while (names.has(`value_${number}`)) number += 1;
  return `value_${number}`;
}

/** As the service takes them (`check-fields.ts`). */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * What is wrong with a row's name; null where nothing is. It is said here, because fields whose names are missing, or the same, cannot be
 * told from one another by whoever else says what is wrong with them.
 */
export function nameProblem({ id, name }: FieldRow, rows: readonly FieldRow[]): string | null {
  const own = name.trim();
  if (own === "") return "It needs a name: the answer has it under that.";
  if (!NAME.test(own)) return "A name has 1 to 64 letters, digits, _, . and -.";
  const first = rows.find((row) => row.name.trim() === own);
  return first?.id === id ? null : "Another value has this name.";
}
