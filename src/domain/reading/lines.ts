import {
  asClosed,
  type Field,
  type NamedField,
  type NumberField,
  type OpenField,
  optionsOf,
  type SingleField,
} from "../fields.ts";

/** What of which field a place tells. */
export interface Part {
  /** Index among the fields. */
  readonly field: number;
  readonly role: Role;
}

/** `value`: the field's own · `present`: whether an open field has one · `count`: how many items · `chunk`: the best of some of the options. */
export type Role =
  | { readonly of: "value" }
  | { readonly of: "present" }
  | { readonly of: "count" }
  | { readonly of: "item"; readonly index: number }
  | { readonly of: "chunk"; readonly index: number };

/** Options of one slot, as many as there are letters. */
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** How "none of these" is told to the model. */
const NONE = "none of these, or not to be seen";

const VALUE: Role = { of: "value" };

/** A line of the canvas before it has tokens, and what the prompt says of it. */
export interface AskedLine {
  readonly part: Part;
  readonly label: string;
  readonly says: string;
  /** Options as they are written; or the field that is. */
  readonly holds: readonly string[] | OpenField;
  /** What stands in their place where the tokenizer makes words of unlike lengths of the options: letters. */
  readonly otherwise?: { readonly says: string; readonly holds: readonly string[] };
}

/** The best of each chunk of one field's options, by their indices. */
export interface ChunkWinners {
  /** Index among the fields. */
  readonly field: number;
  readonly winners: readonly number[];
}

/**
 * The lines in which fields are asked for all at once: `damaged: ▢⏎kind: ▢⏎`. Options are letters that the prompt explains, so that
 * each is one token and no longer than another; yes and no, and small numbers, stand for themselves. A value that is written has a
 * line before it that says whether there is one, unless it is required. More options than letters are cut into chunks, each with a
 * line of its own; which chunk's best is the best, a second canvas tells (`finalLines`).
 */
export function askedLines(fields: readonly NamedField[]): readonly AskedLine[] {
  return fields.flatMap(({ name, field }, index) => linesOf(field, index, labelOf(name, index)));
}

/** The lines that ask which of the chunks' winners it is, of all fields that were cut into chunks. */
export function finalLines(
  fields: readonly NamedField[],
  chunked: readonly ChunkWinners[],
): readonly AskedLine[] {
  return chunked.map(({ field: index, winners }) => {
    const { name, field } = fields[index]!;
    const options = optionTexts(field);
    const texts = winners.map((winner) => options[winner]!);
    return lettered({ field: index, role: VALUE }, labelOf(name, index), asked(field), texts);
  });
}

/** What the prompt asks for lines. `context`: what the caller says about the picture, "" for nothing. */
export function linesQuestion(context: string, lines: readonly AskedLine[]): string {
  return [
    ...(context === "" ? [] : [context, ""]),
    "Look at the picture and fill in these lines, nothing else:",
    ...lines.map(({ label, says }) => `${label}: ${says}`),
  ].join("\n");
}

/** Whether one of a few stands in a line. */
export function holdsOptions(holds: AskedLine["holds"]): holds is readonly string[] {
  return Array.isArray(holds);
}

function linesOf(field: Field, index: number, label: string): AskedLine[] {
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
): AskedLine[] {
  const role: Role = item === undefined ? VALUE : { of: "item", index: item };
  const part: Part = { field: index, role };
  const text = asked(field);
  switch (field.type) {
    case "boolean": {
      const { criteria = {} } = field;
      const meant = [meaning("yes", criteria.true), meaning("no", criteria.false)];
      return [yesOrNo(part, label, text, meant)];
    }
    case "choice":
    case "score":
      return choiceLines(field, part, label);
    default: {
      if (asClosed(field) !== undefined) {
        const holds = optionsOf(field).map(({ value }) => value);
        return [{ part, label, says: `${text}${form(field)}`, holds }];
      }
      const value: AskedLine = { part, label, says: `${text}${form(field)}`, holds: field };
      if (item !== undefined || isRequired(field)) return [value];
      const present: Part = { field: index, role: { of: "present" } };
      const says = "whether the picture shows it, ";
      return [yesOrNo(present, `${label} given`, says, ["yes", "no"]), value];
    }
  }
}

function yesOrNo(part: Part, label: string, says: string, meant: readonly string[]): AskedLine {
  const { says: spelled, holds: letters } = lettered(part, label, says, meant);
  return {
    ...{ part, label, says: `${says}${meant.join(" or ")}`, holds: ["yes", "no"] },
    otherwise: { says: spelled, holds: letters },
  };
}

function isRequired(field: SingleField): boolean {
  return "required" in field && field.required === true;
}

function choiceLines(field: SingleField, part: Part, label: string): AskedLine[] {
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

function lettered(
  part: Part,
  label: string,
  says: string,
  options: readonly string[],
): AskedLine & { readonly holds: readonly string[] } {
  const letters = options.map((_, index) => LETTERS[index]!);
  const legend = options.map((option, index) => `${letters[index]} = ${option}`);
  return { part, label, says: `${says}${legend.join("; ")}`, holds: letters };
}

/** Options as the prompt explains them, "none of these" the last. */
export function optionTexts(field: Field): string[] {
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
