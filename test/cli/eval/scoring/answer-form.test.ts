import { describe, expect, test } from "vitest";
import { formOf } from "#cli/eval/scoring/answer-form.ts";
import { type Metric, score } from "#cli/eval/scoring/metrics.ts";

const choices = ["a dog", "a cat", "a bird"];

function form(answer: string, expected: string, metric: Metric = "exact", isCut = false) {
  const asked = {
    metric,
    expected: [expected],
    choices: metric === "choice" ? choices : [],
    isCut,
  };
  return formOf(answer, { ...asked, score: score(metric, answer, [expected], asked.choices) });
}

describe("how an answer came", () => {
  test.each([
    ["A dog.", "a dog", "plain"],
    ["a horse", "a dog", "plain"],
    ["", "a dog", "empty"],
    [" . ", "a dog", "empty"],
    ["I'm sorry, but I can't help with that.", "a dog", "declined"],
    ["I cannot see a dog here.", "a dog", "declined"],
    ["I am not sure.", "I am not sure.", "plain"],
    ["The picture shows a dog on a mat.", "a dog", "explained"],
    ["The picture shows dogs.", "a dog", "plain"],
  ])("%j for %j is %s", (answer, expected, name) => {
    expect(form(answer, expected)).toBe(name);
  });

  test.each([
    ["B", "plain"],
    ["(b).", "plain"],
    ["a cat", "plain"],
    ["The answer is B, as it meows.", "extracted"],
    ["It is a cat on a mat", "extracted"],
    ["a dog or a cat", "unclear"],
    ["I can't tell.", "declined"],
  ])("%j among choices is %s", (answer, name) => {
    expect(form(answer, "B", "choice")).toBe(name);
  });

  test.each([
    ["7", "plain"],
    ["3 + 4 = 7", "extracted"],
    ["seven", "plain"],
  ])("%j where a number is asked for is %s", (answer, name) => {
    expect(form(answer, "7", "number")).toBe(name);
  });

  test("is cut where its room ended, unless a choice was found in it", () => {
    expect(form("Let us look at the", "a dog", "exact", true)).toBe("cut");
    expect(form("Let us look at the", "B", "choice", true)).toBe("cut");
    expect(form("The answer is B, since", "B", "choice", true)).toBe("extracted");
  });
});
