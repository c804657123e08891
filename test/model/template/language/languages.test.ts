import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { date, dateTime, time } from "#model/template/language/calendar.ts";
import { type NumberRange, numerals } from "#model/template/language/numerals.ts";
import {
  type Automaton,
  anyOf,
  byte,
  compile,
  DEAD,
  type Expression,
  literal,
  maybe,
  repeated,
  run,
  sequence,
} from "#model/template/language/regular.ts";
import { line } from "#model/template/language/words.ts";

/** Says whether a language has a text, or bytes that are none. */
function has(language: Automaton, text: string | Uint8Array): boolean {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return language.accepts(run(language, language.start, bytes));
}

/** All strings of a finite language, in the order of their bytes. */
function* strings(
  language: Automaton,
  state = language.start,
  said = "",
): Generator<string, void, undefined> {
  if (language.accepts(state)) yield said;
  for (let value = 0; value < 128; value++) {
    const next = language.step(state, value);
    if (next !== DEAD) yield* strings(language, next, said + String.fromCharCode(value));
  }
}

describe("an expression", () => {
  test("says the same as a regular expression that is written alike", () => {
    const letter = fc.constantFrom("a", "b");
    const expression = fc.letrec<{ node: [Expression, string] }>((tie) => ({
      node: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        letter.map((text): [Expression, string] => [literal(text), text]),
        fc
          .tuple(tie("node"), tie("node"))
          .map(([[a, x], [b, y]]): [Expression, string] => [sequence(a, b), `(?:${x})(?:${y})`]),
        fc
          .tuple(tie("node"), tie("node"))
          .map(([[a, x], [b, y]]): [Expression, string] => [anyOf(a, b), `(?:${x}|${y})`]),
        tie("node").map(([a, x]): [Expression, string] => [repeated(a), `(?:${x})*`]),
        tie("node").map(([a, x]): [Expression, string] => [maybe(a), `(?:${x})?`]),
      ),
    })).node;
    fc.assert(
      fc.property(
        expression,
        fc.array(fc.string({ unit: letter, maxLength: 8 }), { minLength: 5, maxLength: 5 }),
        ([built, pattern], texts) => {
          const language = compile(built);
          const regular = new RegExp(`^(?:${pattern})$`);
          for (const text of texts) expect(has(language, text)).toBe(regular.test(text));
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  test("has no state from which nothing can be reached", () => {
    const language = compile(anyOf(literal("ab"), sequence(literal("ac"), anyOf())));
    expect(language.step(language.step(language.start, 0x61), 0x63)).toBe(DEAD);
    expect(has(language, "ab")).toBe(true);
  });

  test("of no string begins dead", () => {
    expect(compile(anyOf()).start).toBe(DEAD);
  });

  test("that would need too many states is refused", () => {
    const any = byte([0x61, 0x62]);
    const fourteenthFromTheEnd = sequence(
      repeated(any),
      literal("a"),
      ...new Array<Expression>(14).fill(any),
    );
    expect(() => compile(fourteenthFromTheEnd)).toThrow(RangeError);
  });
});

describe("numbers", () => {
  test.each([
    ["0 … 999", { minimum: 0, maximum: 999, decimals: 0 }, 1000],
    ["−12 … 34", { minimum: -12, maximum: 34, decimals: 0 }, 47],
    ["−105 … −7", { minimum: -105, maximum: -7, decimals: 0 }, 99],
    ["7", { minimum: 7, maximum: 7, decimals: 0 }, 1],
  ])("of %s are these integers and no other string", (_, range, count) => {
    const all = [...strings(compile(numerals(range)))];
    expect(all).toHaveLength(count);
    const expected = Array.from({ length: count }, (_, index) => String(range.minimum + index));
    expect(new Set(all)).toEqual(new Set(expected));
  });

  test("with decimals are written with as many as one likes up to that, within the range", () => {
    const all = new Set(strings(compile(numerals({ minimum: -0.05, maximum: 0.29, decimals: 2 }))));
    const hundredths = Array.from({ length: 35 }, (_, index) => ((index - 5) / 100).toFixed(2));
    const zeros = (text: string): boolean => Number(text) === 0;
    const expected = new Set([
      ...hundredths.filter((text) => !zeros(text)),
      ...["0", "0.0", "0.00", "0.1", "0.2"],
    ]);
    expect(all).toEqual(expected);
  });

  test("of any range are what its bounds let through", () => {
    const range = fc
      .record({
        decimals: fc.integer({ min: 0, max: 3 }),
        bounds: fc.tuple(
          fc.integer({ min: -5000, max: 5000 }),
          fc.integer({ min: -5000, max: 5000 }),
        ),
      })
      .map(({ decimals, bounds }): NumberRange => {
        const [low, high] = bounds.toSorted((a, b) => a - b);
        const scale = 10 ** decimals;
        return { minimum: low! / scale, maximum: high! / scale, decimals };
      });
    const written = fc
      .record({
        scaled: fc.integer({ min: -6000, max: 6000 }),
        digits: fc.integer({ min: 0, max: 4 }),
      })
      .map(({ scaled, digits }) => ({ digits, text: (scaled / 10 ** digits).toFixed(digits) }));
    fc.assert(
      fc.property(range, fc.array(written, { minLength: 20, maxLength: 20 }), (within, texts) => {
        const language = compile(numerals(within));
        for (const { digits, text } of texts) {
          const value = Number(text);
          const isWithin = value >= within.minimum && value <= within.maximum;
          const isPlain = digits <= within.decimals && !(text.startsWith("-") && value === 0);
          expect(has(language, text), text).toBe(isWithin && isPlain);
        }
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test.each(["", "-", "+5", "05", "5.", ".5", "-0", "1e1", " 5", "5 ", "٥"])(
    "are never written %j",
    (text) => {
      expect(has(compile(numerals({ minimum: -9, maximum: 99, decimals: 1 })), text)).toBe(false);
    },
  );

  test("as large as a number is exact are told apart from their neighbours", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const language = compile(numerals({ minimum: most - 1, maximum: most, decimals: 0 }));
    expect([...strings(language)]).toEqual(["9007199254740990", "9007199254740991"]);
  });
});

describe("a calendar", () => {
  const days = compile(date);

  test("has every day of 1896 … 1905 and 1999 … 2001, and no other", () => {
    for (const year of [1896, 1897, 1898, 1899, 1900, 1901, 1904, 1905, 1999, 2000, 2001]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const text = `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
          const real = new Date(`${text}T00:00:00Z`);
          const isDay = !Number.isNaN(real.getTime()) && real.toISOString().startsWith(text);
          expect(has(days, text), text).toBe(isDay);
        }
      }
    }
  });

  test("has a 29 February in the leap years alone, from year 1 to 9999", () => {
    for (let year = 0; year <= 9999; year++) {
      const isLeap = year > 0 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
      const text = `${String(year).padStart(4, "0")}-02-29`;
      if (has(days, text) !== isLeap) expect(text).toBe(isLeap ? "a day" : "no day");
    }
    expect(has(days, "0000-01-01")).toBe(false);
    expect(has(days, "0001-01-01")).toBe(true);
  });

  test("has the minutes of a day, and seconds where they are wanted", () => {
    expect([...strings(compile(time({ seconds: false })))]).toHaveLength(24 * 60);
    expect([...strings(compile(time({ seconds: true })))]).toHaveLength(24 * 60 * 60);
    for (const text of ["24:00", "23:60", "9:05", "09.05"])
      expect(has(compile(time({ seconds: false })), text)).toBe(false);
  });

  test("joins a day and a time with a T", () => {
    const moments = compile(dateTime({ seconds: false }));
    expect(has(moments, "2026-11-28T09:05")).toBe(true);
    expect(has(moments, "2026-11-31T09:05")).toBe(false);
    expect(has(moments, "2026-11-28 09:05")).toBe(false);
  });

  test("keeps its automata small", () => {
    expect(days.states).toBeLessThan(60);
  });
});

describe("a line of text", () => {
  const text = compile(line);

  test("is what well-formed UTF-8 decodes to, without controls and line breaks", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        expect(has(text, bytes)).toBe(isLine(bytes));
      }),
      { seed: 3, numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (words) => {
        const bytes = new TextEncoder().encode(words);
        expect(has(text, bytes)).toBe(isLine(bytes));
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test("has each character that one code point can be, but for controls, separators and halves of pairs", () => {
    for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 0x101) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      const isBreaking = /[\p{Cc}\u2028\u2029]/u.test(character);
      if (has(text, character) === isBreaking) expect(code.toString(16)).toBe("told apart");
    }
  });

  function isLine(bytes: Uint8Array): boolean {
    try {
      const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      return !/[\p{Cc}\u2028\u2029]/u.test(decoded);
    } catch {
      return false;
    }
  }
});
