import type { ModelBody } from "#wire/api/models.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a model does not say how large a picture it looks at: LLaDA-V's largest grid, 6 tiles of 384. */
const LARGEST_SIDE = 2304;

/** A file that is this small already is sent as it is, down to its last byte. */
export const SMALL_BYTES: number = 32 * 1024;

/** The longest side, in pixels, of what is worth sending to a model: more it never looks at. */
export function worthwhileSide(image: ModelBody["image"] | undefined): number {
  return image?.recommended_max_side ?? LARGEST_SIDE;
}

/** The size to which a picture is made smaller, its shape kept; its own where it is no larger. */
export function targetSize({ width, height }: Size, side: number): Size {
  const scale = Math.min(1, side / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}
