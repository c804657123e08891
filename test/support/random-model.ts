import type { Architecture, LanguageTower } from "#domain/architecture.ts";
import { type StageName, stageNames, type TensorEncoding } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { type PackedStage, packStage } from "#engine/stages/packed-stage.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { linear, type Rows, rmsNorm, weightOf } from "#model/reference/arithmetic.ts";
import { decoderLayer } from "#model/reference/decoder-layer.ts";
import { stageTensors } from "#weights/layout.ts";

/** Grouped-query attention, and widths that are no multiple of the quantisation block. */
export const oddArchitecture: Architecture = {
  language: {
    hiddenSize: 72,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headSize: 18,
    intermediateSize: 104,
    vocabSize: 100,
    ropeTheta: 500_000,
    rmsNormEpsilon: 1e-5,
  },
  vision: {
    hiddenSize: 40,
    layers: 2,
    heads: 2,
    intermediateSize: 72,
    imageSize: 15,
    patchSize: 4,
    layerNormEpsilon: 1e-6,
  },
  image: { aspect: "anyres", gridPinpoints: [[15, 15]], maxTiles: 4 },
  prompt: { systemPrompt: "", maxPromptLength: 200 },
  special: {
    mask: 5,
    beginOfText: 1,
    endOfText: 0,
    startHeader: 2,
    endHeader: 3,
    endOfTurn: 4,
  },
  logitsColumns: 90,
};

/** Random weights for every stage of an architecture, and the numbers that they stand for. */
export interface RandomModel {
  readonly architecture: Architecture;
  readonly stages: readonly PackedStage[];
  stage(name: StageName): PackedStage;
}

/** Makes a model whose linears lie in one encoding, and whose embedding table in another. Equal arguments give equal bytes. */
export function randomModel(
  encoding: LinearEncoding = "f32t",
  table: Extract<TensorEncoding, "f32" | "f16" | "q8"> = "f32",
  architecture: Architecture = oddArchitecture,
): RandomModel {
  const stream = mulberry32(20);
  const kernel = encoding === "f32t" || encoding === "f16t" ? "f32" : "r8";
  const encodings = { linear: encoding, kernel, table, plain: "f32" } as const;
  const stages = stageNames(architecture).map((name) =>
    packStage(
      name,
      stageTensors(architecture, name).map(({ name: tensorName, shape, role }) => {
        const inputs = role === "plain" ? 3 : elementCount(shape.slice(1));
        const size = role === "table" ? 1 : Math.sqrt(3 / inputs);
        const values = Float32Array.from(
          { length: elementCount(shape) },
          () => (2 * stream.next() - 1) * size,
        );
        return { name: tensorName, shape, encoding: encodings[role], values };
      }),
    ),
  );
  return {
    architecture,
    stages,
    stage(name) {
      const found = stages.find(({ layout }) => layout.name === name);
      if (found === undefined) throw new Error(`the random model has no stage ${name}`);
      return found;
    },
  };
}

/** The plain forward through all layers and the head: logits [S, V] of a sequence of vectors [S, D]. */
export function plainLogits(model: RandomModel, sequence: Rows): Rows {
  const tower: LanguageTower = model.architecture.language;
  const positions = Array.from({ length: sequence.data.length / sequence.width }, (_, n) => n);
  let hidden = sequence;
  for (const stage of model.stages) {
    if (!stage.layout.name.startsWith("layer-")) continue;
    hidden = decoderLayer(stage.weights, tower, hidden, { positions }).hidden;
  }
  const { weights } = model.stage("head");
  const normed = rmsNorm(hidden, weightOf(weights, "norm.weight"), tower.rmsNormEpsilon);
  return linear(weights, normed);
}
