import type { FieldFault } from "#domain/check-fields.ts";
import {
  asClosed,
  type Field,
  type NamedField,
  type NumberField,
  type OpenField,
  optionsOf,
  type SingleField,
} from "#domain/fields.ts";
import { ok, type Result } from "#domain/result.ts";
import type { Encode } from "./options.ts";
import { holeLine, slotLine } from "./places.ts";
import type { Line, Part, Role, Template } from "./template.ts";

/** Options of one slot, as many as there are letters. */
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** How "none of these" is told to the model. */
const NONE = "none of these, or not to be seen";

const VALUE: Role = { of: "value" };

/** A line of the canvas before it has tokens, and what the prompt says of it. */
interface Wanted {
  readonly part: Part;
  readonly label: string;
  readonly says: string;
  /** Options as they are written; or the field that is. */
  readonly holds: readonly string[] | OpenField;
}

/**
 * Asks for all fields in one prompt and one canvas, a line each: `damaged: ▢⏎kind: ▢⏎`. Options are letters that the prompt
 * explains, so that each is one token and no longer than another; yes and no, and small numbers, stand for themselves. A value that is
 * written has a line before it that says whether there is one, unless it is required.
 *
 * A field's lines have the same tokens whatever stands beside it. More options than letters are cut into chunks, each with
 * a line of its own; which chunk's best is the best, a second read tells (`finalRead`).
 * @param context what the caller says about the picture, "" for nothing
 */
export function linesTemplate(
  context: string,
  fields: readonly NamedField[],
  encode: Encode,
): Result<Template, FieldFault> {
  const wanted = fields.flatMap(({ name, field }, index) =>
    linesOf(field, index, labelOf(name, index)),
  );
  return written(context, wanted, fields, encode);
}

/** The best of each chunk of one field's options, by their indices. */
export interface ChunkWinners {
  /** Index among the fields. */
  readonly field: number;
  readonly winners: readonly number[];
}

/** Asks which of the chunks' winners it is, of all fields that were cut into chunks. */
export function finalTemplate(
  context: string,
  fields: readonly NamedField[],
  chunked: readonly ChunkWinners[],
  encode: Encode,
): Result<Template, FieldFault> {
  const wanted = chunked.map(({ field: index, winners }): Wanted => {
    const { name, field } = fields[index]!;
    const options = optionTexts(field);
    const texts = winners.map((winner) => options[winner]!);
    const label = labelOf(name, index);
    return lettered({ field: index, role: VALUE }, label, asked(field), texts);
  });
  return written(context, wanted, fields, encode);
}

function written(
  context: string,
  wanted: readonly Wanted[],
  fields: readonly NamedField[],
  encode: Encode,
): Result<Template, FieldFault> {
  const lines: Line[] = [];
  for (const { part, label, holds } of wanted) {
    if (!isOptions(holds)) {
      lines.push(holeLine(part, holds, { before: encode(`${label}:`), after: encode("\n") }));
      continue;
    }
    const texts = holds.map((option) => `${label}: ${option}\n`);
    const line = slotLine(part, texts, { fields, encode });
    if (!line.ok) return line;
    lines.push(line.value);
  }
  const question = [
    ...(context === "" ? [] : [context, ""]),
    "Look at the picture and fill in these lines, nothing else:",
    ...wanted.map(({ label, says }) => `${label}: ${says}`),
  ].join("\n");
  return ok({ reads: [{ question, lines }] });
}

function isOptions(holds: Wanted["holds"]): holds is readonly string[] {
  return Array.isArray(holds);
}

function linesOf(field: Field, index: number, label: string): Wanted[] {
  if (field.type === "answers") throw new Error("answers are scored on a canvas of their own");
  if (field.type !== "list") return singleLines(field, index, label, undefined);
  const counts = Array.from({ length: field.maxItems + 1 }, (_, count) => String(count));
  const items = Array.from({ length: field.maxItems }, (_, item) =>
    singleLines(field.items, index, `${label} ${item + 1}`, item),
  );
  const says = `${asked(field)}how many there are, 0 to ${field.maxItems}`;
  const part: Part = { field: index, role: { of: "count" } };
  return [{ part, label: `${label} count`, says, holds: counts }, ...items.flat()];
}

/** Of an item of a list whose count is asked, nothing else says whether it is there. */
function singleLines(
  field: SingleField,
  index: number,
  label: string,
  item: number | undefined,
): Wanted[] {
  const role: Role = item === undefined ? VALUE : { of: "item", index: item };
  const part: Part = { field: index, role };
  const text = asked(field);
  switch (field.type) {
    case "boolean": {
      const { criteria = {} } = field;
      const meant = [meaning("yes", criteria.true), meaning("no", criteria.false)];
      return [{ part, label, says: `${text}${meant.join(" or ")}`, holds: ["yes", "no"] }];
    }
    case "choice":
    case "score":
      return choiceLines(field, part, label);
    default: {
      if (asClosed(field) !== undefined) {
        const holds = optionsOf(field).map(({ value }) => value);
        return [{ part, label, says: `${text}${form(field)}`, holds }];
      }
      const value: Wanted = { part, label, says: `${text}${form(field)}`, holds: field };
      if (item !== undefined || isRequired(field)) return [value];
      const says = `whether the picture shows it, yes or no`;
      const present: Part = { field: index, role: { of: "present" } };
      return [{ part: present, label: `${label} given`, says, holds: ["yes", "no"] }, value];
    }
  }
}

function isRequired(field: SingleField): boolean {
  return "required" in field && field.required === true;
}

function choiceLines(field: SingleField, part: Part, label: string): Wanted[] {
  const options = optionTexts(field);
  if (options.length <= LETTERS.length) return [lettered(part, label, asked(field), options)];
  const chunks = chunksOf(options.length);
  return chunks.map(({ from, to }, chunk) =>
    lettered(
      { field: part.field, role: { of: "chunk", index: chunk } },
      `${label} part ${chunk + 1}`,
      `${asked(field)}the nearest of `,
      options.slice(from, to),
    ),
  );
}

/** Cuts options into as few chunks as letters allow, of nearly equal length. */
export function chunksOf(
  options: number,
): readonly { readonly from: number; readonly to: number }[] {
  const count = Math.ceil(options / LETTERS.length);
  return Array.from({ length: count }, (_, chunk) => ({
    from: Math.floor((chunk * options) / count),
    to: Math.floor(((chunk + 1) * options) / count),
  }));
}

function lettered(part: Part, label: string, says: string, options: readonly string[]): Wanted {
  const letters = options.map((_, index) => LETTERS[index]!);
  const legend = options.map((option, index) => `${letters[index]} = ${option}`);
  return { part, label, says: `${says}${legend.join("; ")}`, holds: letters };
}

/** Options as the prompt explains them, "none of these" the last. */
function optionTexts(field: Field): string[] {
  const single = field.type === "list" ? field.items : field;
  const own = optionsOf(single).map(({ value, description }) => meaning(value, description));
  return single.type === "choice" && single.none ? [...own, NONE] : own;
}

function meaning(value: string, description: string | undefined): string {
  return description === undefined ? oneLine(value) : `${oneLine(value)} (${oneLine(description)})`;
}

function asked({ instructions = "" }: Field): string {
  const text = oneLine(instructions);
  return text === "" ? "" : `${text} – `;
}

function form(field: OpenField | NumberField): string {
  switch (field.type) {
    case "number": {
      const { minimum, maximum, decimals } = field;
      const kind = decimals === 0 ? "a whole number" : `a number with at most ${decimals} decimals`;
      return `${kind} from ${minimum} to ${maximum}`;
    }
    case "date":
      return "a date, YYYY-MM-DD";
    case "time":
      return field.seconds ? "a time, HH:MM:SS" : "a time, HH:MM";
    case "datetime":
      return field.seconds
        ? "a date and time, YYYY-MM-DDTHH:MM:SS"
        : "a date and time, YYYY-MM-DDTHH:MM";
    case "text":
      return "a few words";
    default:
      return field satisfies never;
  }
}

/** A name that reads like words is its own label; any other would cost tokens and tell nothing. */
function labelOf(name: string, index: number): string {
  return /^[a-z_]+$/.test(name) ? name.replaceAll("_", " ") : `q${index + 1}`;
}

/** A caller's text on one line, so that it can begin no line of its own. */
function oneLine(text: string): string {
  return text.replace(/\s+/gu, " ").trim();
}
