import type { Mat } from "#domain/image/layout.ts";
import type { Picture } from "#domain/tensor.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { MAT_LEVEL } from "#model/image/resize.ts";

/** A picture of noise with black and white edges in it, where filters overshoot; the same for the same seed. */
export function randomPicture(width: number, height: number, seed: number): Picture {
  const uniform = mulberry32(seed);
  const pixelsHWC = Uint8Array.from({ length: width * height * 3 }, () => {
    const drawn = uniform.next();
    return drawn < 0.2 ? 0 : drawn > 0.8 ? 255 : Math.floor(drawn * 256);
  });
  return { width, height, pixelsHWC };
}

/** A mat with its picture on it, built: what no pipeline does, and what scaling one must equal. */
export function mounted({ width, height, pixelsHWC }: Picture, mat: Mat): Picture {
  const whole = new Uint8Array(mat.width * mat.height * 3).fill(MAT_LEVEL);
  for (let y = 0; y < height; y++) {
    const row = pixelsHWC.subarray(y * width * 3, (y + 1) * width * 3);
    whole.set(row, ((mat.top + y) * mat.width + mat.left) * 3);
  }
  return { width: mat.width, height: mat.height, pixelsHWC: whole };
}

/** A picture of these sizes and a mat around it; the margins lie left, right, above and below. */
export function onMat(
  { width, height }: Pick<Picture, "width" | "height">,
  [left, right, top, bottom]: readonly [number, number, number, number],
): Mat {
  return { width: left + width + right, height: top + height + bottom, left, top };
}
