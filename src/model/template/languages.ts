import type { NumberField, OpenField, TextField } from "#domain/fields.ts";
import { date, dateTime, time } from "./language/calendar.ts";
import { numerals } from "./language/numerals.ts";
import {
  type Automaton,
  compile,
  type Expression,
  literal,
  maybe,
  sequence,
} from "./language/regular.ts";
import { line } from "./language/words.ts";

/** What strings an open field can have, and how many positions the longest of them needs. */
export interface OpenLanguage {
  readonly automaton: Automaton;
  readonly width: number;
}

/**
 * The language of an open field, with a space in front if the model likes: words, and some signs, are tokens together with it.
 * Each string but a text's is ASCII, so a token for each byte is room enough.
 */
export function openLanguage(field: OpenField): OpenLanguage {
  const automaton = compile(sequence(maybe(literal(" ")), expressionOf(field)));
  return { automaton, width: openWidth(field) };
}

/** Positions that an open field's hole has. */
export function openWidth(field: OpenField): number {
  return field.type === "text" ? field.maxTokens : " ".length + longestText(field);
}

function longestText(field: Exclude<OpenField, TextField>): number {
  switch (field.type) {
    case "number":
      return Math.max(
        ...[field.minimum, field.maximum].map((bound) => numeralLength(bound, field)),
      );
    case "date":
      return "2026-11-28".length;
    case "time":
      return field.seconds ? "09:05:30".length : "09:05".length;
    case "datetime":
      return field.seconds ? "2026-11-28T09:05:30".length : "2026-11-28T09:05".length;
    default:
      return field satisfies never;
  }
}

function expressionOf(field: OpenField): Expression {
  switch (field.type) {
    case "number":
      return numerals(field);
    case "date":
      return date;
    case "time":
      return time(field);
    case "datetime":
      return dateTime(field);
    case "text":
      return line;
    default:
      return field satisfies never;
  }
}

function numeralLength(bound: number, { decimals }: NumberField): number {
  const sign = bound < 0 ? 1 : 0;
  const whole = Math.trunc(Math.abs(bound)).toFixed(0).length;
  return sign + whole + (decimals > 0 ? 1 + decimals : 0);
}
