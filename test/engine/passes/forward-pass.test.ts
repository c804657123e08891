import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { checkForwardPass } from "#engine/passes/forward-pass.ts";
import { type ForwardPass, MAX_ASKED, MAX_BEST, MAX_ROW_CLASSES } from "#model/engine.ts";
import { oddArchitecture } from "../../support/random-model.ts";

const { logitsColumns, language } = oddArchitecture;
const plain: ForwardPass = {
  embeddingsSD: tensor([4, language.hiddenSize], new Float32Array(4 * language.hiddenSize)),
  rows: [1, 3],
  suppressed: [7],
};
const everyColumn = Array.from({ length: logitsColumns }, (_, column) => column);

function check(asking: Partial<ForwardPass>): () => void {
  return () => checkForwardPass(oddArchitecture, { ...plain, ...asking });
}

function asked(rows: readonly number[], tokens: readonly number[]): Partial<ForwardPass> {
  return { asked: { rows: Int32Array.from(rows), tokens: Int32Array.from(tokens) } };
}

describe("what a pass asks of the head", () => {
  test.each<[string, Partial<ForwardPass>]>([
    ["no logits", asked([], [])],
    ["any logits in any order, also twice", asked([1, 0, 1, 1], [89, 0, 5, 5])],
    ["as many as there may be", asked(new Array(MAX_ASKED).fill(1), new Array(MAX_ASKED).fill(2))],
    ["the likeliest", { best: MAX_BEST }],
    ["classes of rows", { classes: { columns: [{ only: [3] }, { not: [] }], ofRows: [1, 0] } }],
  ])("may be %s", (_, asking) => {
    expect(check(asking)).not.toThrow();
  });

  test.each<[string, Partial<ForwardPass>, string]>([
    ["a row that is not asked", asked([2], [0]), "no logit of token 0 in row 2"],
    ["a token without a column", asked([0], [90]), "no logit of token 90 in row 0"],
    ["a token below 0", asked([0], [-1]), "no logit of token -1 in row 0"],
    ["rows without tokens", asked([0, 1], [1]), "2 rows are asked for 1 tokens"],
    [
      "more logits than there may be",
      asked(new Array(MAX_ASKED + 1).fill(0), new Array(MAX_ASKED + 1).fill(0)),
      `at most ${MAX_ASKED}`,
    ],
    ["none of the likeliest", { best: 0 }, "the 0 likeliest"],
    ["half a token", { best: 1.5 }, "the 1.5 likeliest"],
    ["more of the likeliest than there may be", { best: MAX_BEST + 1 }, `at most ${MAX_BEST}`],
    [
      "a class for some rows",
      { classes: { columns: [{ not: [] }], ofRows: [0] } },
      "1 rows have a class, expected 2",
    ],
    [
      "a class that is not there",
      { classes: { columns: [{ not: [] }], ofRows: [0, 1] } },
      "no class 1 of rows",
    ],
    [
      "more classes than there may be",
      { classes: { columns: new Array(MAX_ROW_CLASSES + 1).fill({ not: [] }), ofRows: [0, 0] } },
      `at most ${MAX_ROW_CLASSES}`,
    ],
    [
      "a class of columns outside",
      { classes: { columns: [{ only: [90] }], ofRows: [0, 0] } },
      "column 90 is outside",
    ],
    [
      "a class that only has what is suppressed",
      { classes: { columns: [{ only: [7] }], ofRows: [0, 0] } },
      "class 0 of rows leaves no column",
    ],
    [
      "a class that has nothing",
      { classes: { columns: [{ only: [] }], ofRows: [0, 0] } },
      "class 0 of rows leaves no column",
    ],
    [
      "a class that lacks everything else",
      { classes: { columns: [{ not: everyColumn.filter((id) => id !== 7) }], ofRows: [0, 0] } },
      "class 0 of rows leaves no column",
    ],
  ])("cannot be %s: a RangeError says so", (_, asking, message) => {
    expect(check(asking)).toThrow(RangeError);
    expect(check(asking)).toThrow(message);
  });
});
