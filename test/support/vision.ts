import type { ImagePolicy, PatchTower } from "#domain/architecture.ts";

/** The tower of LLaDA-V: SigLIP so400m at 384 pixels, its last layer gone. */
export const siglip: PatchTower = {
  hiddenSize: 1152,
  layers: 26,
  heads: 16,
  intermediateSize: 4304,
  imageSize: 384,
  patchSize: 14,
  layerNormEpsilon: 1e-6,
};

/** The image policy of LLaDA-V: anyres_max_4 over (1x1) … (6x6), width first. */
export const llavaPolicy: ImagePolicy = {
  aspect: "anyres",
  gridPinpoints: [1, 2, 3, 4, 5, 6].flatMap((across) =>
    [1, 2, 3, 4, 5, 6].map((down) => [across * 384, down * 384] as const),
  ),
  maxTiles: 4,
};
