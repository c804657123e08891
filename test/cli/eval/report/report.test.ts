import { describe, expect, test } from "vitest";
import type { Column } from "#cli/eval/columns.ts";
import { drawReport } from "#cli/eval/report/draw.ts";
import { type ColumnResults, type Report, reportOf } from "#cli/eval/report/report.ts";
import type { Scored } from "#cli/eval/results.ts";
import { mulberry32 } from "#model/decode/noise.ts";

function result(overrides: Partial<Scored> = {}): Scored {
  return {
    id: "1",
    family: "what",
    canvas: 16,
    steps: 8,
    steps_run: 6,
    rows: 120,
    form: "plain",
    error: null,
    failed: false,
    confidence: 0.9,
    in_domain: null,
    abstained: false,
    score: 1,
    ms: 100,
    charged_micros: 10,
    model_digest: "9f86d081884c7d65",
    ...overrides,
  };
}

const own: Column = {
  kind: "own",
  name: "exact",
  mode: "exact",
  refresh: undefined,
  canvas: undefined,
  steps: undefined,
  choices: undefined,
};

const other: Column = {
  kind: "other",
  name: "twin",
  endpoint: {
    name: "twin",
    url: "http://twin.test/v1",
    model: "twin",
    wire: "chat",
    apiKey: undefined,
    maxTokens: undefined,
    asksLogprobs: false,
    price: undefined,
  },
};

function columnOf(results: readonly (Scored | undefined)[], column: Column = own): ColumnResults {
  return {
    column,
    answerer: column.kind === "own" ? "here" : "twin at there",
    stopped: null,
    results,
  };
}

function report(...columns: readonly ColumnResults[]): Report {
  const random = mulberry32(0);
  const questions = columns[0]?.results.length ?? 0;
  return reportOf(columns, {
    testSet: "q.jsonl",
    questions,
    skipped: [],
    uniform: () => random.next(),
  });
}

const refused = {
  score: 0,
  error: "image_truncated",
  form: null,
  ms: 5,
  steps_run: 0,
  confidence: 0,
  charged_micros: 0,
  model_digest: null,
} as const;

const mixed: readonly Scored[] = [
  result(),
  result({ score: 0, ms: 300, steps_run: 8, confidence: 0.5 }),
  result({ family: "count", ...refused }),
];

describe("the report of an evaluation", () => {
  test("counts a refused question as wrong, and leaves it out of latency and steps", () => {
    const { columns } = report(columnOf(mixed));
    expect(columns[0]?.model_digests).toEqual(["9f86d081884c7d65"]);
    expect(columns[0]?.overall).toMatchObject({
      questions: 3,
      refused: 1,
      failed: 0,
      score: 1 / 3,
      mean_steps: 7,
      mean_rows: 120,
      latency_ms: { median: 200, p95: 290 },
      charged_micros: 20,
    });
    expect(columns[0]?.families.map(({ family }) => family)).toEqual(["what", "count"]);
    expect(columns[0]?.errors).toEqual({ image_truncated: 1 });
  });

  test("leaves a question without a reply out of the score, counts it, and is not complete", () => {
    const failed = result({ score: null, error: "http_500", failed: true, form: null });
    const found = report(columnOf([result(), result({ score: 0 }), failed]));
    expect(found.is_complete).toBe(false);
    expect(found.columns[0]?.overall).toMatchObject({ questions: 3, failed: 1, score: 0.5 });
    expect(found.columns[0]?.errors).toEqual({ http_500: 1 });
  });

  test("is drawn as a table by family", () => {
    expect(drawReport(report(columnOf(mixed)))).toBe(
      [
        "FAMILY   N  REFUSED  FAILED  SCORE  95 % FROM    TO  ABSTAINED  OUTSIDE  STEPS  ROWS  MEDIAN MS  P95 MS    CHARGED",
        "what     2        0       0   50.0        9.5  90.5        0.0        -    7.0   120        200     290  $0.000020",
        "count    1        1       0    0.0        0.0  79.3        0.0        -    0.0     0          0       0  $0.000000",
        "overall  3        1       0   33.3        6.1  79.2        0.0        -    7.0   120        200     290  $0.000020",
        "Score in % by confidence: 50.0 of the surest 50, 50.0 of the surest 80, 33.3 of the surest 90, 33.3 of the surest 100 %; 33.3 of the 100.0 % that did not abstain; AURC 0.3889",
        "",
        "here, weights 9f86d081884c",
        "of the answers 1 without an answer (image_truncated)",
        "",
      ].join("\n"),
    );
  });

  test("says which share abstained, which pictures are out of the model's world, and what is right of the rest", () => {
    const results = [
      result({ in_domain: true }),
      result({ in_domain: true, score: 0, confidence: 0.3 }),
      result({ in_domain: false, abstained: true, score: 0, confidence: 0, family: "photographs" }),
      result({ in_domain: true, abstained: true, confidence: 0, family: "photographs" }),
    ];
    const [column] = report(columnOf(results)).columns;
    expect(column?.overall).toMatchObject({ abstained: 0.5, out_of_domain: 0.25 });
    expect(column?.families).toMatchObject([
      { family: "what", abstained: 0, out_of_domain: 0 },
      { family: "photographs", abstained: 1, out_of_domain: 0.5 },
    ]);
    expect(column?.risk_coverage?.answered).toEqual({ coverage: 0.5, score: 0.5 });
  });

  test("has no price, no confidence and no steps of a model that tells none", () => {
    const told = { charged_micros: null, confidence: null, steps_run: 0, rows: 0, steps: 0 };
    const { columns } = report(columnOf([result(told), result(told)], other));
    expect(columns[0]).toMatchObject({
      kind: "other",
      risk_coverage: null,
      overall: { charged_micros: null, mean_steps: null, mean_rows: null },
    });
  });
});

describe("the report of several columns", () => {
  const answers = (scores: readonly number[]): Scored[] =>
    scores.map((score, place) =>
      result({ id: `q${place}`, score, family: place < 6 ? "what" : "count" }),
    );
  const ours = answers([1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
  const theirs = answers([1, 0, 0, 0, 0, 0, 0, 1, 1, 0]);

  test("compares every two of them by the questions that have a score in both", () => {
    const found = report(
      columnOf(ours),
      columnOf(theirs, other),
      columnOf([...theirs.slice(0, 9), undefined], { ...other, name: "half" }),
    );
    expect(found.comparisons).toMatchObject([
      // By hand: 6 to 0 of 6 that differ, either way, 2 / 2⁶.
      {
        first: "exact",
        second: "twin",
        pairs: 10,
        won: 6,
        lost: 0,
        chance_either: expect.closeTo(2 / 64, 12),
      },
      {
        first: "exact",
        second: "half",
        pairs: 9,
        won: 6,
        lost: 0,
        chance_either: expect.closeTo(2 / 64, 12),
      },
      { first: "twin", second: "half", pairs: 9, won: 0, lost: 0, chance_either: 1 },
    ]);
    // Holm: the smallest of three times three.
    expect(found.comparisons.map(({ corrected }) => corrected)).toEqual([
      expect.closeTo(6 / 64, 12),
      expect.closeTo(6 / 64, 12),
      1,
    ]);
    expect(found.comparisons[0]?.difference).toBeCloseTo(0.6, 12);
  });

  test("is drawn as sums, scores by family, and what the first has on the second", () => {
    const drawn = drawReport(report(columnOf(ours), columnOf(theirs, other)));
    expect(drawn).toMatch(/^COLUMN +N +REFUSED .* AURC$/m);
    expect(drawn).toMatch(/^exact +10 +0 +0 +90\.0/m);
    expect(drawn).toMatch(/^SCORE IN % +exact +twin$/m);
    expect(drawn).toMatch(/^what +100\.0 +16\.7$/m);
    expect(drawn).toMatch(/^count +75\.0 +50\.0$/m);
    expect(drawn).toMatch(/^exact +twin +10 +\+60\.0 .* 6 +0 +0\.0313 +better$/m);
    expect(drawn).toContain("twin: twin at there");
  });
});
