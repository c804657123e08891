import type { ImagePolicy } from "#domain/architecture.ts";
import { MAX_GRID_PINPOINTS } from "../limits.ts";
import { WeightsError } from "../weights-error.ts";

/**
 * Reads how pictures are cut from config.json's `image_aspect_ratio` and `image_grid_pinpoints`, for views of `imageSize`
 * pixels. Throws WeightsError `checkpoint_invalid` or `checkpoint_unsupported`.
 */
export function readImagePolicy(
  ratio: string,
  pinpoints: string | readonly (readonly [number, number])[],
  imageSize: number,
): ImagePolicy {
  const gridPinpoints = expandPinpoints(pinpoints, imageSize);
  if (ratio === "pad") return { aspect: "pad", gridPinpoints, maxTiles: 1 };
  const limit = /^anyres(?:_max_([1-9]\d{0,2}))?$/.exec(ratio);
  if (limit === null) {
    throw new WeightsError(
      "checkpoint_unsupported",
      `config.json: image_aspect_ratio ${ratio}; known are pad, anyres and anyres_max_N`,
    );
  }
  if (gridPinpoints.length === 0) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: ${ratio} needs image_grid_pinpoints`,
    );
  }
  // Plain `anyres` never shrinks: a limit that no candidate exceeds says the same.
  const largest = Math.max(
    ...gridPinpoints.map(([width, height]) => Math.ceil((width * height) / imageSize ** 2)),
  );
  const maxTiles = limit[1] === undefined ? largest : Number(limit[1]);
  return { aspect: "anyres", gridPinpoints, maxTiles };
}

/** "(1x1),...,(6x6)" means every grid between the first and the last pair, in tiles. Source: process_anyres_image in mm_utils.py. */
function expandPinpoints(
  value: string | readonly (readonly [number, number])[],
  imageSize: number,
): (readonly [number, number])[] {
  if (typeof value !== "string") return [...value];
  const pairs = [...value.matchAll(/\((\d{1,2})x(\d{1,2})\)/g)];
  const [first, last] = [pairs[0], pairs[pairs.length - 1]];
  if (first === undefined || last === undefined) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: image_grid_pinpoints "${value.slice(0, 80)}" names no grid like (1x1)`,
    );
  }
  const grid: (readonly [number, number])[] = [];
  for (let width = Number(first[1]); width <= Number(last[1]); width++) {
    for (let height = Number(first[2]); height <= Number(last[2]); height++) {
      grid.push([width * imageSize, height * imageSize]);
    }
  }
  if (grid.length === 0 || grid.length > MAX_GRID_PINPOINTS) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: image_grid_pinpoints spans ${grid.length} grids; allowed are 1 to ${MAX_GRID_PINPOINTS}`,
    );
  }
  return grid;
}
