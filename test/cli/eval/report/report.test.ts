import { describe, expect, test } from "vitest";
import { drawReport, reportOf } from "#cli/eval/report/report.ts";
import type { Result } from "#cli/eval/results.ts";

function result(overrides: Partial<Result> = {}): Result {
  return {
    id: "1",
    family: "what",
    metric: "exact",
    key: "k",
    canvas: 16,
    steps: 8,
    steps_run: 6,
    rows: 120,
    answer: "A dog.",
    error: null,
    expected: ["A dog."],
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

const options = { answerer: "here", isComplete: true, uniform: () => 0.5 };

const mixed: readonly Result[] = [
  result(),
  result({ score: 0, ms: 300, steps_run: 8, confidence: 0.5 }),
  result({
    family: "count",
    score: 0,
    error: "image_truncated",
    answer: null,
    ms: 5,
    steps_run: 0,
    confidence: 0,
    charged_micros: 0,
    model_digest: null,
  }),
];

describe("the report of an evaluation", () => {
  test("counts a refused question as wrong, and leaves it out of latency and steps", () => {
    const { by_steps: parts, model_digests: digests } = reportOf(
      [{ steps: null, results: mixed }],
      options,
    );
    expect(digests).toEqual(["9f86d081884c7d65"]);
    expect(parts[0]?.overall).toMatchObject({
      questions: 3,
      refused: 1,
      score: 1 / 3,
      mean_steps: 7,
      mean_rows: 120,
      latency_ms: { median: 200, p90: 280 },
      charged_micros: 20,
    });
    expect(parts[0]?.families.map(({ family }) => family)).toEqual(["what", "count"]);
  });

  test("is drawn as a table by family", () => {
    expect(drawReport(reportOf([{ steps: null, results: mixed }], options))).toBe(
      [
        "FAMILY   N  REFUSED  SCORE  95 % FROM    TO  ABSTAINED  OUTSIDE  STEPS  ROWS  MEDIAN MS  P90 MS    CHARGED",
        "what     2        0   50.0        9.5  90.5        0.0        -    7.0   120        200     280  $0.000020",
        "count    1        1    0.0        0.0  79.3        0.0        -    0.0     0          0       0  $0.000000",
        "overall  3        1   33.3        6.1  79.2        0.0        -    7.0   120        200     280  $0.000020",
        "Score in % by confidence: 50.0 of the surest 50, 50.0 of the surest 80, 33.3 of the surest 90, 33.3 of the surest 100 %; 33.3 of the 100.0 % that did not abstain; AURC 0.3889",
        "",
        "here, weights 9f86d081884c",
        "",
      ].join("\n"),
    );
  });

  test("says which share abstained, which pictures are out of the model's world, and what is right of the rest", () => {
    const [outside, unsure] = [
      { in_domain: false, abstained: true, score: 0 },
      { abstained: true },
    ];
    const results = [
      result({ in_domain: true }),
      result({ in_domain: true, score: 0, confidence: 0.3 }),
      result({ ...outside, confidence: 0, family: "photographs" }),
      result({ ...unsure, in_domain: true, confidence: 0, family: "photographs" }),
    ];
    const [part] = reportOf([{ steps: null, results }], options).by_steps;
    expect(part?.overall).toMatchObject({ abstained: 0.5, out_of_domain: 0.25 });
    expect(part?.families).toMatchObject([
      { family: "what", abstained: 0, out_of_domain: 0 },
      { family: "photographs", abstained: 1, out_of_domain: 0.5 },
    ]);
    expect(part?.risk_coverage.answered).toEqual({ coverage: 0.5, score: 0.5 });
  });

  test("with several numbers of steps ends with the dial of score by steps", () => {
    const rounds = [1, 8].map((steps) => ({ steps, results: [result({ score: steps / 8 })] }));
    expect(drawReport(reportOf(rounds, { ...options, isComplete: false }))).toContain(
      [
        "SCORE BY STEPS          1          8",
        "what                 12.5      100.0",
        "overall              12.5      100.0",
        "charged         $0.000010  $0.000010",
        "median ms             100        100",
        "",
        "here, weights 9f86d081884c; stopped before the end",
      ].join("\n"),
    );
  });
});
