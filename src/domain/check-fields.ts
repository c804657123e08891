import type { FieldsFailure } from "./failure.ts";
import {
  FIELD_LIMITS,
  type Field,
  type NamedField,
  type NumberField,
  type Option,
  optionsOf,
} from "./fields.ts";
import { inPointer } from "./json-pointer.ts";
import { ok, type Result, refuse } from "./result.ts";
import { utf8Length } from "./utf8-length.ts";

/** Why fields cannot be read, with a JSON pointer to what is wrong. */
export interface FieldFault {
  readonly kind: "invalid" | "options_collide" | "too_large";
  /** From the object of fields on: `/kind/criteria`. */
  readonly pointer: string;
  /** A clause that ends "…: ". */
  readonly problem: string;
}

const failureKinds = {
  invalid: "fields_invalid",
  options_collide: "field_options_collide",
  too_large: "fields_too_large",
} as const;

/** The refusal of a request whose fields stand at that place. */
export function fieldsFailure(
  { kind, pointer, problem }: FieldFault,
  at = "/fields",
): FieldsFailure {
  return { kind: failureKinds[kind], problems: [{ pointer: `${at}${pointer}`, message: problem }] };
}

/** The same of an order's fields: what is wrong with answers that are scored stands where their own body has them. */
export function orderFailure(
  { fields }: { readonly fields: readonly NamedField[] },
  fault: FieldFault,
): FieldsFailure {
  return fieldsFailure(fault, fields[0]?.field.type === "answers" ? "" : "/fields");
}

/** Names that are taken: what a program may call a value without quoting. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Checks what no type can hold: names, how many there are of everything, ranges, and options that are the same text. */
export function checkNamedFields(fields: readonly NamedField[]): Result<void, FieldFault> {
  if (fields.length === 0 || fields.length > FIELD_LIMITS.fields)
    return invalid("", `there are ${fields.length} fields: send 1 to ${FIELD_LIMITS.fields}`);
  const seen = new Set<string>();
  for (const { name, field } of fields) {
    const pointer = pointerTo(name);
    if (field.type === "answers" && fields.length > 1)
      return invalid(pointer, "answers are scored alone: send no other field");
    if (!NAME.test(name))
      return invalid(pointer, "a name has 1 to 64 letters, digits, `_`, `.` and `-`");
    if (seen.has(name)) return invalid(pointer, "the name is there twice");
    seen.add(name);
    const checked = checkField(field, pointer);
    if (!checked.ok) return checked;
  }
  return checkTotals(fields);
}

/** Source: RFC 6901 section 3. A name is the caller's, so it is cut to a length that may be echoed. */
function pointerTo(name: string): string {
  return `/${inPointer(name.slice(0, FIELD_LIMITS.nameLength))}`;
}

function checkTotals(fields: readonly NamedField[]): Result<void, FieldFault> {
  const options = fields.reduce((sum, { field }) => sum + slotOptions(field), 0);
  if (options > FIELD_LIMITS.allOptions)
    return tooLarge(`have ${options} options together; ${FIELD_LIMITS.allOptions} are the most`);
  const bytes = fields.flatMap(textsOf).reduce((sum, text) => sum + utf8Length(text), 0);
  return bytes > FIELD_LIMITS.textBytes
    ? tooLarge(`have ${bytes} bytes of text together; ${FIELD_LIMITS.textBytes} are the most`)
    : ok(undefined);
}

/** Options of all slots of a field: each item of a list has them again. */
function slotOptions(field: Field): number {
  const own = optionsOf(field).length;
  return field.type === "list" ? field.maxItems * (own + 1) + 1 : own;
}

/** Everything that a caller says in a field and its name. */
export function textsOf({ name, field }: NamedField): string[] {
  const { instructions = "" } = field;
  return [name, instructions, ...saidIn(field)];
}

function saidIn(field: Field): string[] {
  switch (field.type) {
    case "boolean":
      return [field.criteria?.true ?? "", field.criteria?.false ?? ""];
    case "choice":
    case "score":
      return optionsOf(field).flatMap(({ value, description = "" }) => [value, description]);
    case "answers":
      return [...field.answers];
    case "list":
      return textsOf({ name: "", field: field.items });
    default:
      return [];
  }
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
    case "answers":
      return checkAnswers(field.answers, pointer);
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

function checkAnswers(answers: readonly string[], pointer: string): Result<void, FieldFault> {
  const most = FIELD_LIMITS.answers;
  if (answers.length === 0 || answers.length > most)
    return invalid(pointer, `there are ${answers.length} answers: send 1 to ${most}`);
  for (const [index, answer] of answers.entries()) {
    const place = `${pointer}/${index}`;
    if (answer.trim() === "") return invalid(place, "the answer is empty");
    if (answer.length > FIELD_LIMITS.answerLength) return tooLong(place, FIELD_LIMITS.answerLength);
    const same = answers.findIndex((other) => optionKey(other) === optionKey(answer));
    if (same < index)
      return refuse({
        kind: "options_collide",
        pointer: place,
        ...collision(answers[same]!, answer),
      });
  }
  return ok(undefined);
}

/** Options with the same key look the same to whoever reads them, and to the model. */
function optionKey(value: string): string {
  return value.normalize("NFC").trim();
}

function collision(first: string, second: string): Pick<FieldFault, "problem"> {
  const pair = `${JSON.stringify(first)} and ${JSON.stringify(second)}`;
  return { problem: `${pair} are the same text` };
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

function tooLarge(problem: string): Result<never, FieldFault> {
  return refuse({ kind: "too_large", pointer: "", problem });
}

function invalid(pointer: string, problem: string): Result<never, FieldFault> {
  return refuse({ kind: "invalid", pointer, problem });
}
