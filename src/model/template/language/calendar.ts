import { digit } from "./numerals.ts";
import { anyOf, type Expression, literal, sequence, times } from "./regular.ts";

/** Years that a date may have, 0001 … 9999. Source: `full-date` of RFC 3339, §5.6; its year 0000 is no year of our calendar. */
const year: Expression = anyOf(
  sequence(times(3, digit(0, 9)), digit(1, 9)),
  sequence(times(2, digit(0, 9)), digit(1, 9), digit(0, 0)),
  sequence(digit(0, 9), digit(1, 9), literal("00")),
  sequence(digit(1, 9), literal("000")),
);

const multipleOfFourAboveZero: Expression = anyOf(
  sequence(digit(0, 0), anyOf(digit(4, 4), digit(8, 8))),
  sequence(even(2, 8), anyOf(digit(0, 0), digit(4, 4), digit(8, 8))),
  sequence(odd(), anyOf(digit(2, 2), digit(6, 6))),
);

/** By 4 and not by 100, or by 400. */
const leapYear: Expression = anyOf(
  sequence(times(2, digit(0, 9)), multipleOfFourAboveZero),
  sequence(multipleOfFourAboveZero, literal("00")),
);

const day28: Expression = anyOf(
  sequence(digit(0, 0), digit(1, 9)),
  sequence(digit(1, 1), digit(0, 9)),
  sequence(digit(2, 2), digit(0, 8)),
);

/** The days that a calendar has, `2026-11-28`. */
export const date: Expression = anyOf(
  sequence(year, literal("-"), month(), literal("-"), day28),
  sequence(year, literal("-"), monthsOf30Days(), anyOf(literal("-29"), literal("-30"))),
  sequence(year, literal("-"), monthsOf31Days(), literal("-31")),
  sequence(leapYear, literal("-02-29")),
);

/** Minutes of a day, `09:05`, and seconds where they are wanted. There is no 60th second: a picture never shows one. */
export function time({ seconds }: { readonly seconds: boolean }): Expression {
  const sixty = sequence(digit(0, 5), digit(0, 9));
  const hour = anyOf(sequence(digit(0, 1), digit(0, 9)), sequence(digit(2, 2), digit(0, 3)));
  const minutes = sequence(hour, literal(":"), sixty);
  return seconds ? sequence(minutes, literal(":"), sixty) : minutes;
}

/** A day and a time of it, `2026-11-28T09:05`. */
export function dateTime(of: { readonly seconds: boolean }): Expression {
  return sequence(date, literal("T"), time(of));
}

function month(): Expression {
  return anyOf(sequence(digit(0, 0), digit(1, 9)), sequence(digit(1, 1), digit(0, 2)));
}

function monthsOf31Days(): Expression {
  return anyOf(...["01", "03", "05", "07", "08", "10", "12"].map(literal));
}

/** All months but February have a 29th and a 30th. */
function monthsOf30Days(): Expression {
  const others = ["01", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];
  return anyOf(...others.map(literal));
}

function even(first: number, last: number): Expression {
  const digits = [0, 2, 4, 6, 8].filter((value) => first <= value && value <= last);
  return anyOf(...digits.map((value) => digit(value, value)));
}

function odd(): Expression {
  return anyOf(...[1, 3, 5, 7, 9].map((value) => digit(value, value)));
}
