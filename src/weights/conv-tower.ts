import * as z from "zod";
import type { ConvTower } from "#domain/conv-tower.ts";
import { MAX_DIMENSION, MAX_LAYERS } from "./limits.ts";

/** Channels, pixels, classes. */
export const count: z.ZodType<number> = z.number().int().min(1).max(MAX_DIMENSION);
/** Sides of a filter and steps of it: EfficientNets have 3 and 5, 1 and 2. A graph has a node for each place of a filter. */
export const small: z.ZodType<number> = z.number().int().min(1).max(15);

/** A tower of convolutions as it stands in a manifest; `convTowerFault` says whether its numbers go together. */
export const convTower: z.ZodType<ConvTower> = z.strictObject({
  kind: z.literal("conv"),
  imageSize: count,
  levels: z.strictObject({ mean: z.number(), deviation: z.number().positive() }),
  stem: z.strictObject({ channels: count, kernel: small, stride: small }),
  blocks: z
    .array(
      z.strictObject({
        channels: count,
        kernel: small,
        stride: small,
        expansion: small,
        isResidual: z.boolean(),
      }),
    )
    .min(1)
    .max(MAX_LAYERS)
    .readonly(),
  headChannels: count,
  tap: z.strictObject({ block: z.number().int().min(0).max(MAX_LAYERS), unshuffle: small }),
  evidence: z.strictObject({
    classes: count,
    concepts: count,
    readerWidth: count,
    energyScale: z.number().positive(),
  }),
});
