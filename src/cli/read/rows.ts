import type { Answer } from "#client/answer-stream.ts";
import { printableLine } from "../terminal/printable.ts";
import { table } from "../terminal/table.ts";

/** How rows are written. */
export const readFormats = ["table", "json", "jsonl", "csv"] as const;

/** One of `readFormats`. */
export type ReadFormat = (typeof readFormats)[number];

type Fields = NonNullable<Answer["fields"]>;
type Field = Fields[string];

/** What was read off one picture. */
export interface ReadRow {
  readonly picture: string;
  /** The fields' values, in the order in which they were asked. */
  readonly values: Readonly<Record<string, Field["value"]>>;
  /** All that is known of each, as the API tells it. */
  readonly fields: Fields;
  readonly answer_id: string;
  readonly charged_micros: number;
}

/** Makes the row of an answer; undefined where the service read no fields. */
export function rowOf(
  picture: string,
  { id, fields, charged_micros }: Answer,
  names: readonly string[],
): ReadRow | undefined {
  if (fields === undefined) return undefined;
  const values = Object.fromEntries(names.map((name) => [name, fields[name]?.value ?? null]));
  return { picture, values, fields, answer_id: id, charged_micros };
}

/** Draws rows for people: of one picture a line a field, of several a line a picture. */
export function tableOf(rows: readonly ReadRow[], names: readonly string[]): string {
  const [only] = rows;
  if (rows.length === 1 && only !== undefined) {
    const lines = names.map((name) => {
      const field = only.fields[name];
      return [name, shown(only.values[name]), sureness(field), remark(field)].map(printableLine);
    });
    return table(["FIELD", "VALUE", "SURE", ""], lines);
  }
  const lines = rows.map(({ picture, values }) =>
    [picture, ...names.map((name) => shown(values[name]))].map(printableLine),
  );
  return table(["PICTURE", ...names], lines);
}

function shown(value: Field["value"] | undefined): string {
  if (value === null || value === undefined) return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.map(shown).join(", ") : String(value);
}

function sureness(field: Field | undefined): string {
  const probability = likelihoodOf(field);
  return probability === null ? "" : `${(100 * probability).toFixed(1)} %`;
}

/** Of the value, "none of these" too; of the guess where it abstained. Of a boolean `probability` is that of true. */
function likelihoodOf(field: Field | undefined): number | null {
  if (field === undefined || !("probability" in field)) return null;
  const abstained = "abstained" in field && field.abstained;
  if (field.value === null && !abstained) return field.p_none;
  if (field.type === "boolean" && "confidence" in field) return field.confidence;
  return field.probability;
}

function remark(field: Field | undefined): string {
  if (field === undefined) return "not told";
  if ("unfinished" in field) return "the deadline came first";
  if ("abstained" in field && field.abstained)
    return `not sure enough; guess: ${shown(field.guess)}`;
  if ("guess" in field && field.value === null)
    return `none of these; nearest: ${shown(field.guess)}`;
  if ("truncated" in field && field.truncated) return "cut off for want of room";
  if (field.type !== "list" && field.value === null) return "not to be seen";
  return "";
}

/** Columns of a table for programs: each value, and behind it how likely it is. A field's name has no space, so none has two meanings. */
export function csvHead(names: readonly string[]): string {
  return csvLine(["picture", ...names.flatMap((name) => [name, `${name} probability`])]);
}

export function csvRow({ picture, values, fields }: ReadRow, names: readonly string[]): string {
  const cells = names.flatMap((name) => [
    csvValue(values[name] ?? null),
    String(likelihoodOf(fields[name]) ?? ""),
  ]);
  return csvLine([safe(picture), ...cells]);
}

function csvValue(value: Field["value"]): string {
  if (value === null) return "";
  if (typeof value === "string") return safe(value);
  return Array.isArray(value) ? safe(value.map(String).join("; ")) : String(value);
}

/** Threat: text that a model read off a picture, and that a spreadsheet runs as a formula. Source: OWASP, CSV Injection. */
function safe(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** Source: RFC 4180; lines end with LF, which every reader takes. */
function csvLine(cells: readonly string[]): string {
  const quoted = cells.map((cell) =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(",")}\n`;
}
