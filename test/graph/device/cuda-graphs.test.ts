import { describe, expect, test } from "vitest";
import { askedGraph, bestGraph } from "#graph/device/best.ts";
import { deviceHeadGraph } from "#graph/device/head.ts";
import { deviceLayersGraph } from "#graph/device/layers.ts";
import { joinGraph, surroundingsGraph, takeGraph } from "#graph/device/steps.ts";
import { opProfiles } from "#graph/profile.ts";
import { projectorGraph } from "#graph/projector.ts";
import { visionGraph } from "#graph/vision.ts";
import { readModel } from "../../support/onnx.ts";
import { oddArchitecture, randomModel } from "../../support/random-model.ts";

const { language, vision } = oddArchitecture;
const { stage } = randomModel("q4");
const profile = opProfiles.cuda;
if (vision === undefined) throw new Error("the odd architecture sees");

/**
 * Operators whose kernels on CUDA are cuDNN's in ONNX Runtime 1.30: they fail where it is not installed, and it is not. Source:
 * microsoft/onnxruntime#29252 and #29620.
 */
const ofCudnn = [
  ...["Conv", "ConvTranspose", "BatchNormalization", "LRN", "LSTM", "GRU", "RNN"],
  ...["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LogSoftmax"],
  ...["ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2"],
  ...["ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"],
];

const graphs = {
  layers: deviceLayersGraph(
    language,
    [stage("layer-00").layout, stage("layer-01").layout],
    profile,
    { endsTower: true, isObserved: false },
  ),
  head: deviceHeadGraph(oddArchitecture, stage("head").layout, profile, false),
  vision: visionGraph(vision, stage("vision").layout, profile, false),
  projector: projectorGraph(vision, language, stage("projector").layout, profile),
  surroundings: surroundingsGraph(language, profile),
  asked: askedGraph(oddArchitecture.logitsColumns),
  best: bestGraph(oddArchitecture.logitsColumns, opProfiles.cuda),
  take: takeGraph(language),
  join: joinGraph(language),
};

describe("graphs for CUDA", () => {
  test.each(Object.entries(graphs))("of %s need no cuDNN", (_, bytes) => {
    const nodes = readModel(bytes).graph?.node ?? [];
    expect(nodes.length).toBeGreaterThan(0);
    expect(nodes.map(({ opType }) => opType).filter((type) => ofCudnn.includes(type))).toEqual([]);
  });
});
