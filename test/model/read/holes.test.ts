import { describe, expect, test } from "vitest";
import type { OpenField } from "#domain/fields.ts";
import { MAX_ASKED, MAX_BEST } from "#model/engine.ts";
import { fillHoles, type HoleString } from "#model/read/holes.ts";
import { openLanguage } from "#model/template/languages.ts";
import type { FakeEngine } from "../../support/fake-engine.ts";
import { fakeArchitecture, fakeSpecial } from "../../support/fake-engine.ts";
import { FIRST_BYTE, fakeTokenizer } from "../../support/fake-tokenizer.ts";
import { blankPrompt, opinionatedEngine } from "../../support/reading-tools.ts";

const never = new AbortController().signal;
const filler = fakeSpecial.endOfTurn;

async function fill(
  engine: FakeEngine,
  field: OpenField,
  passes: number,
): Promise<HoleString & { passes: number }> {
  const hole = { kind: "hole", field: 0, role: { of: "value" }, ...openLanguage(field) } as const;
  const ids = new Array<number>(hole.width).fill(fakeSpecial.mask);
  const terms = {
    filler,
    bytesOf: fakeTokenizer.bytesOf,
    passes,
    refresh: { kind: "always" },
  } as const;
  const filled = await fillHoles(engine, blankPrompt(3), ids, [{ hole, from: 0 }], terms, never);
  const [string] = filled;
  if (string === undefined) throw new Error("nothing was written");
  return { ...string, passes: engine.passes.length };
}

function text({ tokens }: HoleString): string {
  return fakeTokenizer.decode(tokens.filter((token) => token !== filler));
}

/** ln p of every token at every position of an empty canvas, by brute force: all of the vocabulary is asked. */
async function marginals(engine: FakeEngine, width: number): Promise<readonly number[][]> {
  const { logitsColumns, special } = engine.architecture;
  const ids = [...new Array<number>(3).fill(0), ...new Array<number>(width).fill(special.mask)];
  const { data } = await engine.embedTokens(ids, never);
  data.fill(0, 0, 6);
  const rows = Array.from({ length: width }, (_, at) => 3 + at);
  const embeddingsSD = { shape: [ids.length, 2], data };
  const columns = Array.from({ length: logitsColumns }, (_, column) => column);
  const asked = {
    rows: Int32Array.from(rows.flatMap((_, row) => columns.map(() => row))),
    tokens: Int32Array.from(rows.flatMap(() => columns)),
  };
  const suppressed = [special.mask];
  const { askedLogits } = await engine.denoise({ embeddingsSD, rows, suppressed, asked }, never);
  return rows.map((_, row) => {
    const logits = columns.map((column) => askedLogits![row * logitsColumns + column]!);
    const most = Math.max(...logits);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
    return logits.map((logit) => logit - most - Math.log(sum));
  });
}

function likelihood(logProbs: readonly number[][], written: string): number {
  const bytes = new TextEncoder().encode(written);
  return logProbs.reduce((sum, row, at) => {
    const byte = bytes[at];
    return sum + row[byte === undefined ? filler : FIRST_BYTE + byte]!;
  }, 0);
}

const days = Array.from({ length: 366 }, (_, day) =>
  new Date(Date.UTC(2028, 0, 1 + day)).toISOString().slice(0, 10),
);

describe("a hole that is filled in one pass", () => {
  test.each<[string, OpenField, readonly string[]]>([
    [
      "of all numbers from 0 to 999",
      { type: "number", minimum: 0, maximum: 999, decimals: 0 },
      Array.from({ length: 1000 }, (_, number) => String(number)),
    ],
    ["of all dates, whatever the year", { type: "date" }, days],
    [
      "of all minutes",
      { type: "time", seconds: false },
      Array.from({ length: 1440 }, (_, minute) =>
        [Math.floor(minute / 60), minute % 60]
          .map((part) => String(part).padStart(2, "0"))
          .join(":"),
      ),
    ],
  ])("has the likeliest string %s, as enumeration finds it", async (_, field, strings) => {
    for (const seed of [1, 2, 3, 4]) {
      const engine = opinionatedEngine(seed, 6);
      const { width } = openLanguage(field);
      const logProbs = await marginals(engine, width);
      const all = strings.flatMap((each) => [each, ` ${each}`]);
      const best = all.reduce((top, each) =>
        likelihood(logProbs, each) > likelihood(logProbs, top) ? each : top,
      );
      const found = await fill(opinionatedEngine(seed, 6), field, 1);
      const score = found.logProbs.reduce((sum, logProb) => sum + logProb, 0);
      expect(score).toBeCloseTo(likelihood(logProbs, text(found)), 4);
      // Of dates only one year is enumerated: no day of it is likelier than what was found among all.
      expect(score).toBeGreaterThan(likelihood(logProbs, best) - 1e-4);
      if (field.type !== "date") expect(text(found)).toBe(best);
    }
  });
});

describe("a hole that is filled in several passes", () => {
  test.each([1, 2, 3, 11, 64])(
    "takes %i at most, writes something at each, and is legal at the end",
    async (most) => {
      for (const seed of [1, 2, 3]) {
        const found = await fill(opinionatedEngine(seed, 6), { type: "date" }, most);
        expect(found.passes).toBe(Math.min(most, 11));
        expect(text(found).trim()).toMatch(/^\d{4}-\d{2}-\d{2}$/);
        expect(Number.isNaN(Date.parse(text(found).trim()))).toBe(false);
      }
    },
  );

  test("of text is whole characters on one line, though its tokens are bytes and it has room for few", async () => {
    for (let seed = 0; seed < 30; seed++) {
      const found = await fill(opinionatedEngine(seed, 9), { type: "text", maxTokens: 5 }, 3);
      expect(found.tokens).toHaveLength(5);
      expect(text(found)).not.toMatch(/[\p{Cc}\u2028\u2029\uFFFD]/u);
    }
  });

  test("of which there are so many that not all their tokens may be asked for is legal too, and no pass asks for more than it may", async () => {
    const { vocabSize } = fakeArchitecture.language;
    const columns = vocabSize + 1000; // a token for each three digits
    const engine = opinionatedEngine(5, 4, columns);
    const threes = Array.from({ length: 1000 }, (_, number) =>
      new TextEncoder().encode(String(number).padStart(3, "0")),
    );
    const bytesOf = (token: number): Uint8Array | undefined =>
      token < vocabSize ? fakeTokenizer.bytesOf(token) : threes[token - vocabSize];
    const { automaton, width } = openLanguage({
      ...{ type: "number", minimum: 100_000, maximum: 999_999, decimals: 0 },
    });
    const holes = Array.from({ length: 12 }, (_, field) => {
      const hole = { kind: "hole", field, role: { of: "value" }, automaton, width } as const;
      return { hole, from: field * width };
    });
    const ids = new Array<number>(12 * width).fill(fakeSpecial.mask);
    const terms = { filler, bytesOf, passes: 1, refresh: { kind: "always" } } as const;
    const strings = await fillHoles(engine, blankPrompt(3), ids, holes, terms, never);
    for (const { tokens } of strings) {
      const bytes = tokens
        .filter((token) => token !== filler)
        .flatMap((token) => [...bytesOf(token)!]);
      expect(new TextDecoder().decode(Uint8Array.from(bytes))).toMatch(/^ ?[1-9]\d{5}$/);
    }
    expect(engine.passes).toHaveLength(1);
    for (const { asked, best } of engine.passes) {
      expect(asked?.rows.length).toBeLessThanOrEqual(MAX_ASKED);
      expect(best).toBe(MAX_BEST);
    }
  });

  test("whose model would rather write what no string has is filled all the same", async () => {
    const stubborn = opinionatedEngine(1);
    const { denoise } = stubborn;
    stubborn.denoise = async (pass, signal) => {
      const told = await denoise(pass, signal);
      return { ...told, maxLogits: told.maxLogits.map((logit) => logit + 900) };
    };
    const field: OpenField = { type: "number", minimum: -5, maximum: 1e6, decimals: 2 };
    const found = await fill(stubborn, field, 4);
    expect(Number(text(found))).toBeGreaterThanOrEqual(-5);
    expect(Math.max(...found.logProbs)).toBeLessThan(-800);
  });
});
