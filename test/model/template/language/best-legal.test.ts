import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mulberry32 } from "#model/decode/noise.ts";
import { bestLegal, type Candidate } from "#model/template/language/best-legal.ts";
import { date } from "#model/template/language/calendar.ts";
import { numerals } from "#model/template/language/numerals.ts";
import { compile, type Expression } from "#model/template/language/regular.ts";
import type { HoleLanguage } from "#model/template/language/token-language.ts";
import { line } from "#model/template/language/words.ts";
import { FIRST_BYTE } from "../../../support/fake-tokenizer.ts";
import { FIRST_WORD, wordTokenizer } from "../../../support/word-tokenizer.ts";

/** An end of text: no bytes, and here what fills up. */
const FILLER = 0;
const digits = Array.from({ length: 10 }, (_, digit) => tokenOf(String(digit)));

function tokenOf(character: string): number {
  return FIRST_BYTE + character.charCodeAt(0);
}

function hole(expression: Expression, words: readonly (string | Uint8Array)[] = []): HoleLanguage {
  const { bytesOf } = wordTokenizer(words);
  return { automaton: compile(expression), filler: FILLER, bytesOf };
}

/** What a model could think of these tokens at each of `width` positions. */
function randomCandidates(width: number, tokens: readonly number[], seed: number): Candidate[][] {
  const uniform = mulberry32(seed);
  return Array.from({ length: width }, () =>
    tokens.map((token) => ({ token, logProb: Math.log(uniform.next()) })),
  );
}

/** All ways to take one candidate from each position. */
function* choices(candidates: readonly (readonly Candidate[])[]): Generator<readonly Candidate[]> {
  const [first, ...rest] = candidates;
  if (first === undefined) return yield [];
  for (const tail of choices(rest)) for (const candidate of first) yield [candidate, ...tail];
}

function textOf({ bytesOf }: HoleLanguage, tokens: readonly number[]): string {
  const bytes = tokens.flatMap((token) => [...(bytesOf(token) ?? [])]);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function sum(path: readonly Candidate[]): number {
  return path.reduce((total, { logProb }) => total + logProb, 0);
}

describe("the best legal string of a hole", () => {
  test("for the numbers 0 … 999 is what trying all strings finds, whatever tokens spell them", () => {
    const language = hole(numerals({ minimum: 0, maximum: 999, decimals: 0 }), ["12", "99", "07"]);
    const tokens = [...digits, FIRST_WORD, FIRST_WORD + 1, FIRST_WORD + 2, FILLER];
    for (let seed = 0; seed < 40; seed++) {
      const candidates = randomCandidates(3, tokens, seed);
      let best: readonly Candidate[] | undefined;
      for (const path of choices(candidates)) {
        const ids = path.map(({ token }) => token);
        const end = ids.indexOf(FILLER);
        const isFilledUp = end === -1 || ids.slice(end).every((id) => id === FILLER);
        const isNumber = isFilledUp && /^(0|[1-9]\d{0,2})$/.test(textOf(language, ids));
        if (isNumber && (best === undefined || sum(path) > sum(best))) best = path;
      }
      const found = bestLegal(language, candidates);
      expect(found?.tokens).toEqual(best?.map(({ token }) => token));
      expect(found?.score).toBeCloseTo(sum(best!), 10);
    }
  });

  test("for the days of a year is what trying all of them finds", () => {
    const language = hole(date);
    const tokens = [...digits, tokenOf("-")];
    for (const year of [2000, 2026, 2100]) {
      for (let seed = 0; seed < 20; seed++) {
        const candidates = randomCandidates(10, tokens, seed + year * 100);
        const written = [...String(year)].map((digit) => [{ token: tokenOf(digit), logProb: 0 }]);
        const open = candidates.slice(4);
        const scoreOf = (text: string): number =>
          open.reduce((total, choice, index) => {
            const token = tokenOf(text[4 + index]!);
            return total + choice.find((candidate) => candidate.token === token)!.logProb;
          }, 0);
        const best = daysOf(year).reduce((top, day) => (scoreOf(day) > scoreOf(top) ? day : top));
        const found = bestLegal(language, [...written, ...open]);
        expect(textOf(language, found!.tokens)).toBe(best);
      }
    }
  });

  test("has no gap in front of what fills it up", () => {
    const language = hole(numerals({ minimum: 0, maximum: 99, decimals: 0 }));
    const sure = (token: number, logProb: number): Candidate => ({ token, logProb });
    const candidates = [
      [sure(FILLER, -0.1), sure(tokenOf("4"), -3)],
      [sure(tokenOf("7"), -0.1), sure(FILLER, -2)],
    ];
    expect(bestLegal(language, candidates)?.tokens).toEqual([tokenOf("4"), tokenOf("7")]);
  });

  test("of equally likely ones is the one whose candidates come first", () => {
    const language = hole(numerals({ minimum: 0, maximum: 99, decimals: 0 }));
    const all = digits.map((token) => ({ token, logProb: -1 }));
    expect(textOf(language, bestLegal(language, [all, all])!.tokens)).toBe("10");
  });

  test("is none where the candidates spell none", () => {
    const language = hole(numerals({ minimum: 10, maximum: 99, decimals: 0 }));
    const only = (text: string): Candidate[] => [{ token: tokenOf(text), logProb: -1 }];
    expect(bestLegal(language, [only("0"), only("1")])).toBeUndefined();
    const never = [{ token: tokenOf("1"), logProb: Number.NEGATIVE_INFINITY }];
    expect(bestLegal(language, [never, only("1")])).toBeUndefined();
  });

  test("never ends inside of a character, at whichever byte the room ends", () => {
    const emoji = new TextEncoder().encode("🐈");
    const language = hole(line);
    for (let width = 0; width <= 9; width++) {
      // The model would write nothing but cats.
      const candidates = Array.from({ length: width }, (_, index) => [
        { token: FIRST_BYTE + emoji[index % 4]!, logProb: -0.01 },
        { token: FILLER, logProb: -9 },
      ]);
      const text = textOf(language, bestLegal(language, candidates)!.tokens);
      expect(text).toBe("🐈".repeat(Math.floor(width / 4)));
    }
  });

  test("never has a special token, nor one without bytes", () => {
    const language = hole(line, [""]);
    const tempting = [
      { token: 4, logProb: -0.01 },
      { token: FIRST_WORD, logProb: -0.02 },
      { token: tokenOf("a"), logProb: -9 },
    ];
    expect(textOf(language, bestLegal(language, [tempting, tempting])!.tokens)).toBe("aa");
  });

  test("is there for as long as the string found before is among the candidates, whichever of its tokens are written", () => {
    const language = hole(numerals({ minimum: -999, maximum: 9999, decimals: 2 }), ["12", "-1"]);
    const tokens = [...digits, tokenOf("."), tokenOf("-"), FIRST_WORD, FIRST_WORD + 1, FILLER];
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(5), { maxLength: 6 }), (seed, order) => {
        const first = bestLegal(language, randomCandidates(6, tokens, seed))!;
        const written = new Set(order);
        const later = randomCandidates(6, tokens.slice(0, 3), seed + 1).map((others, position) => {
          const own = { token: first.tokens[position]!, logProb: -20 };
          return written.has(position) ? [own] : [own, ...others];
        });
        expect(bestLegal(language, later)).toBeDefined();
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});

function daysOf(year: number): string[] {
  const first = Date.UTC(year, 0, 1);
  const days = Array.from({ length: 366 }, (_, day) =>
    new Date(first + day * 86_400_000).toISOString().slice(0, 10),
  );
  return days.filter((day) => day.startsWith(String(year)));
}
