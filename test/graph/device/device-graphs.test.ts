import { describe, expect, test } from "vitest";
import type { StageLayout } from "#domain/bundle.ts";
import { memoizeModels } from "#engine/stages/stage-models.ts";
import { askedGraph, bestGraph } from "#graph/device/best.ts";
import { deviceHeadGraph } from "#graph/device/head.ts";
import { deviceLayersGraph } from "#graph/device/layers.ts";
import { joinGraph, surroundingsGraph, takeGraph } from "#graph/device/steps.ts";
import { type OpProfile, opProfiles } from "#graph/profile.ts";
import { projectorGraph } from "#graph/projector.ts";
import { visionGraph } from "#graph/vision.ts";
import { countNodes, externalRanges, readModel, signature } from "../../support/onnx.ts";
import { oddArchitecture, randomModel } from "../../support/random-model.ts";

const { language, vision } = oddArchitecture;
const model = randomModel("q8u");
const layers = [model.stage("layer-00").layout, model.stage("layer-01").layout];
const head = model.stage("head").layout;
if (vision === undefined) throw new Error("the odd architecture sees");

/** The host decides these, waits for the device to be told, or is waited for. */
const ofTheHost = ["Shape", "Scan", "If", "Loop", "NonZero", "TopK", "ArgMax"];

const graphs = {
  layers: deviceLayersGraph(language, layers, opProfiles.webgpu, {
    endsTower: true,
    isObserved: false,
  }),
  head: deviceHeadGraph(oddArchitecture, head, opProfiles.webgpu, false),
  vision: visionGraph(vision, model.stage("vision").layout, opProfiles.webgpu, false),
  projector: projectorGraph(vision, language, model.stage("projector").layout, opProfiles.webgpu),
  surroundings: surroundingsGraph(language, opProfiles.webgpu),
  asked: askedGraph(oddArchitecture.logitsColumns),
  best: bestGraph(oddArchitecture.logitsColumns, opProfiles.webgpu),
  take: takeGraph(language),
  join: joinGraph(language),
};

describe("graphs for devices", () => {
  test.each(Object.entries(graphs))(
    "of %s have no control flow and no arithmetic of shapes",
    (_, bytes) => {
      const nodes = readModel(bytes).graph?.node ?? [];
      expect(nodes.map(({ opType }) => opType).filter((type) => ofTheHost.includes(type))).toEqual(
        [],
      );
    },
  );

  test("let the numbers of each row leave the head in one output; its logits stay with the device", () => {
    expect(signature(readModel(graphs.head), "output")).toEqual([
      "numbers [R, 6]",
      "allowed [R, 90]",
    ]);
    const options = { architecture: oddArchitecture, profile: opProfiles.webgpu };
    const { staying } = memoizeModels({ ...options, isObserved: false })([head]);
    expect(staying).toEqual(["allowed"]);
  });

  test("of several layers name what each sees and leaves, and read each layer's weights from its own file", () => {
    const read = readModel(graphs.layers);
    expect(signature(read, "output").map((text) => text.split(" ")[0])).toEqual([
      ...["keys", "values", "keys1", "values1", "hiddenOut"],
    ]);
    const files = (read.graph?.initializer ?? []).flatMap(({ externalData }) =>
      externalData.filter(({ key }) => key === "location").map(({ value }) => value),
    );
    expect(files.filter((file) => file === "stage")).toHaveLength(files.length / 2);
    expect(files.filter((file) => file === "stage-1")).toHaveLength(files.length / 2);
  });
});

describe("the head's weights", () => {
  const wide = 6400;
  const architecture = {
    ...oddArchitecture,
    language: { ...language, vocabSize: wide },
    logitsColumns: wide,
  };
  const parts = (
    encoding: "f32t" | "q4",
    weightBytes: number,
  ): { offset: number; bytes: number }[] => {
    const { layout } = randomModel(encoding, "f32", architecture).stage("head");
    const profile: OpProfile = { ...opProfiles.webgpu, weightBytes };
    const graph = readModel(deviceHeadGraph(architecture, layout, profile, false));
    const { data } = weightOf(layout);
    return externalRanges(graph).filter(
      ({ offset }) => offset >= data.offset && offset < data.offset + data.bytes,
    );
  };
  function weightOf({ tensors }: StageLayout) {
    const found = tensors.find(({ name }) => name === "weight");
    if (found === undefined) throw new Error("a head without weights");
    return found;
  }

  test.each(["f32t", "q4"] as const)(
    "in %s are cut where one operation may not be given them all, and every byte is in one part",
    (encoding) => {
      const [whole] = parts(encoding, Number.POSITIVE_INFINITY);
      const cut = parts(encoding, (whole?.bytes ?? 0) / 1.5);
      expect(cut.length).toBeGreaterThan(1);
      expect(Math.max(...cut.map(({ bytes }) => bytes))).toBeLessThan(whole?.bytes ?? 0);
      let end = whole?.offset ?? 0;
      for (const { offset, bytes } of cut) {
        expect(offset).toBe(end);
        end = offset + bytes;
      }
      expect(end).toBe((whole?.offset ?? 0) + (whole?.bytes ?? 0));
    },
  );

  test("are multiplied once where they fit", () => {
    expect(countNodes(readModel(graphs.head), "MatMulNBits")).toBe(1);
  });
});
