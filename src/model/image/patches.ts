import type { VisionTower } from "#domain/architecture.ts";
import type { ConvTower } from "#domain/conv-tower.ts";
import { type Picture, type Tensor, tensor } from "#domain/tensor.ts";

/**
 * Turns views into what the vision tower takes: [N, 3, imageSize, imageSize] 32-bit floats about 0, channels apart.
 * Every view must be `imageSize` by `imageSize` (RangeError otherwise). Cutting into patches is the tower's own first convolution.
 */
export function normaliseViews(views: readonly Picture[], tower: ViewLevels): Tensor {
  const size = tower.imageSize;
  const brightness = "levels" in tower ? brightnessBy(tower.levels) : siglipBrightness;
  const plane = size * size;
  const viewsNCHW = new Float32Array(views.length * 3 * plane);
  views.forEach((view, index) => {
    if (view.width !== size || view.height !== size) {
      throw new RangeError(`view ${index} is ${view.width}x${view.height}, not ${size}x${size}`);
    }
    const { pixelsHWC } = view;
    const red = index * 3 * plane;
    for (let pixel = 0; pixel < plane; pixel++) {
      viewsNCHW[red + pixel] = brightness[pixelsHWC[pixel * 3]!]!;
      viewsNCHW[red + plane + pixel] = brightness[pixelsHWC[pixel * 3 + 1]!]!;
      viewsNCHW[red + 2 * plane + pixel] = brightness[pixelsHWC[pixel * 3 + 2]!]!;
    }
  });
  return tensor([views.length, 3, size, size], viewsNCHW);
}

/** What of a tower its views depend on. A `PatchTower` takes levels as SigLIP does. */
export type ViewLevels = Pick<VisionTower, "imageSize"> | Pick<ConvTower, "imageSize" | "levels">;

/** Exact where the deviation is a power of two, as 128 is. */
function brightnessBy({ mean, deviation }: ConvTower["levels"]): Float32Array {
  return Float32Array.from({ length: 256 }, (_, level) => (level - mean) / deviation);
}

/**
 * Level 0 … 255 to −1 … 1. Each step is rounded to float32 as the reference does: 2v/255 − 1 differs in the last bit.
 *
 * Source: `SigLipImageProcessor.preprocess`: rescale by 1/255 in double, round to float32, then (x − 0.5) / 0.5.
 */
const siglipBrightness: Float32Array = Float32Array.from(
  { length: 256 },
  (_, level) => Math.fround(Math.fround(level * (1 / 255)) - 0.5) / 0.5,
);
