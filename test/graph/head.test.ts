import { describe, expect, test } from "vitest";
import { headGraph } from "#graph/head.ts";
import { opProfiles } from "#graph/profile.ts";
import { countNodes, readModel, signature } from "../support/onnx.ts";
import { oddArchitecture, randomModel } from "../support/random-model.ts";

function head(isObserved: boolean, logitsColumns = 90) {
  const architecture = { ...oddArchitecture, logitsColumns };
  const { layout } = randomModel().stage("head");
  return readModel(headGraph(architecture, layout, opProfiles.cpu, isObserved));
}

describe("headGraph", () => {
  test("lets five numbers and a token leave for each row, the logits that are asked for by name or rank, and no others", () => {
    expect(signature(head(false), "output")).toEqual([
      "askedLogits [K]",
      "bestLogits [R, N]",
      "bestTokens [R, N]",
      "tokens [R]",
      "chosenLogits [R]",
      "maxLogits [R]",
      "runnerUpLogits [R]",
      "tails [R]",
      "slopes [R]",
    ]);
  });

  test("shows what is inside only when it is observed", () => {
    expect(signature(head(true), "output")).toEqual(
      expect.arrayContaining(["normed [B, R, 72]", "logits [R, 90]"]),
    );
  });

  test("cuts columns off only where there are too many", () => {
    expect(countNodes(head(false, 90), "Slice")).toBe(1);
    expect(countNodes(head(false, 100), "Slice")).toBe(0);
  });

  test("multiplies with the large matrix once, guidance or not", () => {
    expect(countNodes(head(false), "MatMul")).toBe(1);
  });
});
