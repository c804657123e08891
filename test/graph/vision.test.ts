import { describe, expect, test } from "vitest";
import { opProfiles } from "#graph/profile.ts";
import { projectorGraph } from "#graph/projector.ts";
import { visionGraph } from "#graph/vision.ts";
import { countNodes, externalRanges, readModel, signature } from "../support/onnx.ts";
import { oddArchitecture, randomModel } from "../support/random-model.ts";

const { language, vision } = oddArchitecture;
if (vision === undefined) throw new Error("the odd architecture has a vision tower");

describe("visionGraph", () => {
  test("turns views into features of every patch, left-over pixels unseen", () => {
    const { layout } = randomModel().stage("vision");
    const model = readModel(visionGraph(vision, layout, opProfiles.cpu, false));
    expect(signature(model, "input")).toEqual(["views [N, 3, 15, 15]"]);
    expect(signature(model, "output")).toEqual(["features [N, 9, 40]"]);
  });

  test("shows every layer when it is observed", () => {
    const { layout } = randomModel().stage("vision");
    const model = readModel(visionGraph(vision, layout, opProfiles.cpu, true));
    expect(signature(model, "output").map((line) => line.split(" ")[0])).toEqual([
      "embeddings",
      "layer0",
      "layer1",
      "features",
    ]);
  });

  test("takes every byte range of its stage exactly once", () => {
    const { layout } = randomModel("q4").stage("vision");
    const ranges = layout.tensors
      .flatMap(({ data, scales }) => (scales === undefined ? [data] : [data, scales]))
      .toSorted((a, b) => a.offset - b.offset);
    const model = readModel(visionGraph(vision, layout, opProfiles.cpu, false));
    expect(externalRanges(model)).toEqual(ranges);
  });
});

describe("projectorGraph", () => {
  test("widens features to the language tower and leaves the newline vector to its caller", () => {
    const { layout } = randomModel().stage("projector");
    const model = readModel(projectorGraph(vision, language, layout, opProfiles.cpu));
    expect(signature(model, "input")).toEqual(["features [N, P, 40]"]);
    expect(signature(model, "output")).toEqual(["projected [N, P, 72]"]);
    expect(externalRanges(model)).toHaveLength(layout.tensors.length - 1);
    expect(countNodes(model, "Gelu")).toBe(1);
  });
});
