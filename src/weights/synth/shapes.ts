import type { Architecture } from "#domain/architecture.ts";
import { DEFAULT_SYSTEM_PROMPT } from "../checkpoint/architecture.ts";
import { DEFAULT_CHAT_TEMPLATE } from "../checkpoint/special-tokens.ts";
import { addedTokens, firstAddedToken, specialIds } from "./tokenizer.ts";

/** Sizes that a synthetic model can have. `llada-v-8b` is the real one's. */
export type SynthShape = "tiny" | "100m" | "1b" | "llada-v-8b";

export const SYNTH_SHAPES: readonly SynthShape[] = ["tiny", "100m", "1b", "llada-v-8b"];

/** Returns the architecture of a shape, with the ids of the synthetic tokenizer. */
export function synthArchitecture(shape: SynthShape): Architecture {
  switch (shape) {
    case "tiny":
      return architecture([64, 2, 4, 128, 1024], [48, 2, 3, 96, 56, 14]);
    case "100m":
      return architecture([768, 8, 12, 2048, 32_768], [384, 6, 6, 1536, 224, 14]);
    case "1b":
      return architecture([2048, 16, 16, 5632, 65_536], [768, 12, 12, 3072, 384, 14]);
    case "llada-v-8b":
      return architecture([4096, 32, 32, 12_288, 126_464], [1152, 26, 16, 4304, 384, 14]);
    default:
      throw new RangeError(`no such shape: ${shape satisfies never}`);
  }
}

type LanguageSizes = [hidden: number, layers: number, heads: number, inner: number, vocab: number];
type VisionSizes = [
  hidden: number,
  layers: number,
  heads: number,
  inner: number,
  image: number,
  patch: number,
];

function architecture(
  [hiddenSize, layers, heads, intermediateSize, vocabSize]: LanguageSizes,
  [visionHidden, visionLayers, visionHeads, visionInner, imageSize, patchSize]: VisionSizes,
): Architecture {
  return {
    language: {
      hiddenSize,
      layers,
      heads,
      keyValueHeads: heads,
      headSize: hiddenSize / heads,
      intermediateSize,
      vocabSize,
      ropeTheta: 500_000,
      rmsNormEpsilon: 1e-5,
    },
    vision: {
      hiddenSize: visionHidden,
      layers: visionLayers,
      heads: visionHeads,
      intermediateSize: visionInner,
      imageSize,
      patchSize,
      layerNormEpsilon: 1e-6,
    },
    image: {
      aspect: "anyres",
      gridPinpoints: Array.from({ length: 36 }, (_, index): readonly [number, number] => [
        (Math.floor(index / 6) + 1) * imageSize,
        ((index % 6) + 1) * imageSize,
      ]),
      maxTiles: 4,
    },
    prompt: {
      chatTemplate: DEFAULT_CHAT_TEMPLATE,
      systemPrompt: DEFAULT_SYSTEM_PROMPT,
      maxPromptLength: 8192,
    },
    special: specialIds(vocabSize),
    logitsColumns: firstAddedToken(vocabSize) + addedTokens().length,
  };
}
