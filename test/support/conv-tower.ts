import type { Architecture } from "#domain/architecture.ts";
import type { ConvTower } from "#domain/conv-tower.ts";
import { smallTower } from "#engine/self-test/self-test-tower.ts";
import { oddArchitecture } from "./random-model.ts";

/** EfficientNet-Lite0 with the evidence of the demo model that sees photographs. */
export const lite0: ConvTower = {
  kind: "conv",
  imageSize: 224,
  levels: { mean: 127, deviation: 128 },
  stem: { channels: 32, kernel: 3, stride: 2 },
  blocks: [
    [1, 3, 1, 1, 16],
    [2, 3, 2, 6, 24],
    [2, 5, 2, 6, 40],
    [3, 3, 2, 6, 80],
    [3, 5, 1, 6, 112],
    [4, 5, 2, 6, 192],
    [1, 3, 1, 6, 320],
  ].flatMap(([repeats = 0, kernel = 1, first = 1, expansion = 1, channels = 1]) =>
    Array.from({ length: repeats }, (_, index) => ({
      channels,
      kernel,
      stride: index === 0 ? first : 1,
      expansion,
      isResidual: index > 0,
    })),
  ),
  headChannels: 1280,
  tap: { block: 10, unshuffle: 2 },
  evidence: { classes: 1000, concepts: 104, readerWidth: 256, energyScale: 0.1 },
};

/** A model that sees with the tower of the self-test. */
export const convArchitecture: Architecture = {
  ...oddArchitecture,
  vision: smallTower,
  image: { aspect: "stretch", gridPinpoints: [], maxTiles: 1 },
};
