import { ok, type Result, refuse } from "./result.ts";

/** A value that is read off a picture, by the name that the reply has it under. */
export interface NamedField {
  readonly name: string;
  readonly field: Field;
}

/** What a value is, and what is asked for it. */
export type Field = SingleField | ListField;

/** What a list may hold. */
export type SingleField = ClosedField | OpenField;

/** One of a few values, each with a probability: read, never written. */
export type ClosedField = BooleanField | ChoiceField | ScoreField;

/** A value that is written, as a string of a regular language. */
export type OpenField = NumberField | DateField | TimeField | DateTimeField | TextField;

interface Asked {
  /** What the model is asked; absent: the name is all it has. */
  readonly instructions?: string;
}

export interface BooleanField extends Asked {
  readonly type: "boolean";
  /** What each side means, where "yes" and "no" do not say it. */
  readonly criteria?: { readonly true?: string; readonly false?: string };
}

export interface ChoiceField extends Asked {
  readonly type: "choice";
  /** In the order in which the request has them; of equal probability the first wins. */
  readonly options: readonly Option[];
  /** Whether "none of these" is an option too: the value is null then. */
  readonly none: boolean;
}

/** Levels from the lowest to the highest; the score is the mean of their indices by probability. */
export interface ScoreField extends Asked {
  readonly type: "score";
  readonly levels: readonly Option[];
}

export interface Option {
  readonly value: string;
  readonly description?: string;
}

export interface NumberField extends Asked {
  readonly type: "number";
  readonly minimum: number;
  readonly maximum: number;
  /** Digits behind the point at most; 0 is an integer. */
  readonly decimals: number;
}

/** A day of the calendar, `2026-11-28`. */
export interface DateField extends Asked {
  readonly type: "date";
}

/** A time of the day, `09:05` or `09:05:30`. */
export interface TimeField extends Asked {
  readonly type: "time";
  readonly seconds: boolean;
}

/** `2026-11-28T09:05`. */
export interface DateTimeField extends Asked {
  readonly type: "datetime";
  readonly seconds: boolean;
}

/** One line of text. */
export interface TextField extends Asked {
  readonly type: "text";
  /** Room for it. What does not fit is cut off, and the reply says so. */
  readonly maxTokens: number;
}

export interface ListField extends Asked {
  readonly type: "list";
  readonly items: SingleField;
  readonly maxItems: number;
}

/** The most numbers that are read as options, each with a probability; a range of more is written digit by digit. */
export const CLOSED_NUMBERS = 255;

/** Returns a field whose value is read among a few; undefined of one that is written. */
export function asClosed(field: Field): ClosedField | NumberField | undefined {
  switch (field.type) {
    case "boolean":
    case "choice":
    case "score":
      return field;
    case "number": {
      const { minimum, maximum, decimals } = field;
      return decimals === 0 && maximum - minimum < CLOSED_NUMBERS ? field : undefined;
    }
    default:
      return undefined;
  }
}

/** Returns a field whose value is written; undefined of one that is read among a few, and of a list. */
export function asOpen(field: Field): OpenField | undefined {
  switch (field.type) {
    case "number":
      return asClosed(field) === undefined ? field : undefined;
    case "date":
    case "time":
    case "datetime":
    case "text":
      return field;
    default:
      return undefined;
  }
}

/** The options of a closed field as the reply names them, in order; of an open one none. "None of these" is not among them. */
export function optionsOf(field: Field): readonly Option[] {
  switch (field.type) {
    case "boolean":
      return [{ value: "true" }, { value: "false" }];
    case "choice":
      return field.options;
    case "score":
      return field.levels;
    case "number": {
      if (asClosed(field) === undefined) return [];
      const first = Math.ceil(field.minimum);
      const count = Math.floor(field.maximum) - first + 1;
      return Array.from({ length: count }, (_, index) => ({ value: String(first + index) }));
    }
    case "list":
      return optionsOf(field.items);
    default:
      return [];
  }
}

/** What a caller could make a template grow with. Each number is of one request. */
export const FIELD_LIMITS = {
  /** Fields: each takes a line of the prompt and of the canvas. */
  fields: 64,
  /** Letters, digits, `_`, `.` and `-` of a name. */
  nameLength: 64,
  /** Options of a choice, levels of a score: the most that OpenAI's decisions and Jev take. */
  options: 255,
  /** Options of a list's items: each item has one slot, and a slot as many letters. */
  itemOptions: 26,
  /** Characters of an option or a level: it stands in the prompt. */
  optionLength: 200,
  /** Characters of instructions or of a description. */
  instructionsLength: 2_000,
  /** Items of a list: each has room of its own in the canvas. */
  items: 8,
  /** Tokens of a text. */
  textTokens: 64,
  /** Digits behind a point: those of the AI SDK's extraction. */
  decimals: 6,
} as const;

/** Why fields cannot be read, with a JSON pointer to what is wrong. */
export interface FieldFault {
  readonly kind: "invalid" | "options_collide" | "too_large";
  /** From the object of fields on: `/kind/criteria`. */
  readonly pointer: string;
  /** A clause that ends "…: ". */
  readonly problem: string;
}

/** Names that are taken: what a program may call a value without quoting. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Checks what no type can hold: names, how many there are of everything, ranges, and options that are the same text. */
export function checkFields(fields: readonly NamedField[]): Result<void, FieldFault> {
  if (fields.length === 0 || fields.length > FIELD_LIMITS.fields)
    return invalid("", `there are ${fields.length} fields: send 1 to ${FIELD_LIMITS.fields}`);
  const seen = new Set<string>();
  for (const { name, field } of fields) {
    const pointer = `/${name}`;
    if (!NAME.test(name))
      return invalid(pointer, "a name has 1 to 64 letters, digits, `_`, `.` and `-`");
    if (seen.has(name)) return invalid(pointer, "the name is there twice");
    seen.add(name);
    const checked = checkField(field, pointer);
    if (!checked.ok) return checked;
  }
  return ok(undefined);
}

function checkField(field: Field, pointer: string): Result<void, FieldFault> {
  const { instructions = "" } = field;
  if (instructions.length > FIELD_LIMITS.instructionsLength)
    return tooLong(`${pointer}/instructions`, FIELD_LIMITS.instructionsLength);
  switch (field.type) {
    case "boolean": {
      const { criteria = {} } = field;
      const long = Object.values(criteria).find((text) => isLong(text));
      return long === undefined
        ? ok(undefined)
        : tooLong(`${pointer}/criteria`, FIELD_LIMITS.instructionsLength);
    }
    case "choice":
      return checkOptions(field.options, field.none ? 1 : 2, `${pointer}/criteria`);
    case "score":
      return checkOptions(field.levels, 2, `${pointer}/criteria`);
    case "number":
      return checkNumber(field, pointer);
    case "text":
      return within(field.maxTokens, FIELD_LIMITS.textTokens, `${pointer}/max_tokens`);
    case "list": {
      const size = within(field.maxItems, FIELD_LIMITS.items, `${pointer}/max_items`);
      if (!size.ok) return size;
      const most =
        FIELD_LIMITS.itemOptions - (field.items.type === "choice" && field.items.none ? 1 : 0);
      if (field.items.type !== "number" && optionsOf(field.items).length > most)
        return invalid(`${pointer}/items/criteria`, `an item has at most ${most} options`);
      return checkField(field.items, `${pointer}/items`);
    }
    case "date":
    case "time":
    case "datetime":
      return ok(undefined);
    default:
      return field satisfies never;
  }
}

function checkOptions(
  options: readonly Option[],
  least: number,
  pointer: string,
): Result<void, FieldFault> {
  const most = FIELD_LIMITS.options;
  if (options.length < least || options.length > most)
    return invalid(pointer, `there are ${options.length} options: send ${least} to ${most}`);
  const seen = new Map<string, string>();
  for (const { value, description = "" } of options) {
    if (value.trim() === "") return invalid(pointer, "an option is empty");
    if (value.length > FIELD_LIMITS.optionLength)
      return tooLong(pointer, FIELD_LIMITS.optionLength);
    if (isLong(description)) return tooLong(pointer, FIELD_LIMITS.instructionsLength);
    const same = seen.get(optionKey(value));
    if (same !== undefined)
      return refuse({ kind: "options_collide", pointer, ...collision(same, value) });
    seen.set(optionKey(value), value);
  }
  return ok(undefined);
}

/** Options with the same key look the same to whoever reads them, and to the model. */
export function optionKey(value: string): string {
  return value.normalize("NFC").trim();
}

function collision(first: string, second: string): Pick<FieldFault, "problem"> {
  const pair = `${JSON.stringify(first)} and ${JSON.stringify(second)}`;
  return { problem: `the options ${pair} are the same text` };
}

function checkNumber(
  { minimum, maximum, decimals }: NumberField,
  pointer: string,
): Result<void, FieldFault> {
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > FIELD_LIMITS.decimals)
    return invalid(`${pointer}/decimals`, `decimals are 0 to ${FIELD_LIMITS.decimals}`);
  const most = Math.floor(Number.MAX_SAFE_INTEGER / 10 ** decimals);
  for (const [name, bound] of Object.entries({ minimum, maximum })) {
    if (!(Math.abs(bound) <= most))
      return invalid(`${pointer}/${name}`, `with ${decimals} decimals it is −${most} to ${most}`);
  }
  if (minimum > maximum)
    return invalid(`${pointer}/minimum`, `the minimum ${minimum} is above the maximum ${maximum}`);
  const scale = 10 ** decimals;
  return Math.ceil(minimum * scale) <= Math.floor(maximum * scale)
    ? ok(undefined)
    : invalid(
        pointer,
        `no number with ${decimals} decimals lies between ${minimum} and ${maximum}`,
      );
}

function within(value: number, most: number, pointer: string): Result<void, FieldFault> {
  return Number.isInteger(value) && value >= 1 && value <= most
    ? ok(undefined)
    : invalid(pointer, `it is an integer, 1 to ${most}`);
}

function isLong(text: string | undefined): boolean {
  return text !== undefined && text.length > FIELD_LIMITS.instructionsLength;
}

function tooLong(pointer: string, limit: number): Result<never, FieldFault> {
  return invalid(pointer, `it has more than ${limit} characters`);
}

function invalid(pointer: string, problem: string): Result<never, FieldFault> {
  return refuse({ kind: "invalid", pointer, problem });
}
