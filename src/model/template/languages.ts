import type { OpenField } from "#domain/fields.ts";
import { openWidth } from "#domain/reading/open-width.ts";
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
