import type { Picture } from "#domain/tensor.ts";
import { mulberry32 } from "#model/decode/noise.ts";

/** A picture of noise with black and white edges in it, where filters overshoot; the same for the same seed. */
export function randomPicture(width: number, height: number, seed: number): Picture {
  const uniform = mulberry32(seed);
  const pixelsHWC = Uint8Array.from({ length: width * height * 3 }, () => {
    const drawn = uniform.next();
    return drawn < 0.2 ? 0 : drawn > 0.8 ? 255 : Math.floor(drawn * 256);
  });
  return { width, height, pixelsHWC };
}
