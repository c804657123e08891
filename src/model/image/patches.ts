import { type Picture, type Tensor, tensor } from "#domain/tensor.ts";

/**
 * Turns views into what the vision tower takes: [N, 3, size, size] 32-bit floats in −1 … 1, channels apart.
 * Every view must be `size` by `size` (RangeError otherwise). Cutting into patches is the tower's own first convolution.
 *
 * Source: `SigLipImageProcessor.preprocess`: rescale by 1/255 in double, round to float32, then (x − 0.5) / 0.5.
 */
export function normaliseViews(views: readonly Picture[], size: number): Tensor {
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

/** Level 0 … 255 to −1 … 1. Each step is rounded to float32 as the reference does: 2v/255 − 1 differs in the last bit. */
const brightness: Float32Array = Float32Array.from(
  { length: 256 },
  (_, level) => Math.fround(Math.fround(level * (1 / 255)) - 0.5) / 0.5,
);
