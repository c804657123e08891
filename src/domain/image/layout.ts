import { type ImagePolicy, patchesPerSide, type ViewRules, viewVectors } from "../architecture.ts";
import type { AnswerOptions } from "../question.ts";

/** How one picture is cut into views and how the views' features come back together: all from its size alone. */
export type ImageLayout = SingleLayout | TiledLayout;

/**
 * One view: stretched to the square (`squeeze`, or `stretch` where the policy says so), or centred on a grey square first (`pad`).
 * P vectors and one newline.
 */
export interface SingleLayout {
  readonly kind: "single";
  /** P, patches of a view, or the vectors that stand for it. */
  readonly patches: number;
  readonly fit: "squeeze" | "stretch" | "pad";
}

/** A squeezed base view, then the tiles of a letterboxed canvas, whose features form one grid. */
export interface TiledLayout {
  readonly kind: "tiled";
  /** P, patches of a view. */
  readonly patches: number;
  /** Size of the canvas in pixels. */
  readonly canvas: Size;
  /** Where the picture lies on the canvas, in pixels. */
  readonly letterbox: Box;
  /** Tiles across and down. */
  readonly tiles: Size;
  /** The part of the tiles' joint patch grid that shows the picture, in patches. Width or height 0 is legal. */
  readonly kept: Box;
  /** Size to which `kept` is scaled; equal to its own size where nothing is scaled. */
  readonly shrunk: Size;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** A sheet of grey that a picture lies on, wholly inside: never built, only read where the picture is not. */
export interface Mat extends Size {
  /** Where the picture lies on it, in pixels. */
  readonly left: number;
  readonly top: number;
}

/** Level of detail as asked for: `low` is the base view alone, whatever the policy. */
export type Detail = AnswerOptions["detail"];

/**
 * Decides how a picture of this size (pixels, upright, at least 1 by 1) is looked at.
 *
 * Source: `process_images`, `process_anyres_image` in mm_utils.py; `prepare_inputs_labels_for_multimodal` in llava_arch.py.
 */
export function imageLayout(
  size: Size,
  policy: ImagePolicy,
  vision: ViewRules,
  detail: Detail,
): ImageLayout {
  const patches = viewVectors(vision);
  if (policy.aspect === "pad") return { kind: "single", patches, fit: "pad" };
  if (policy.aspect === "stretch") return { kind: "single", patches, fit: "stretch" };
  if (detail === "low") return { kind: "single", patches, fit: "squeeze" };
  if ("vectors" in vision) throw new RangeError("only patches lie in a grid that tiles can join");
  const side = patchesPerSide(vision);
  const canvas = bestCanvas(size, policy.gridPinpoints);
  const tiles = {
    width: Math.floor(canvas.width / vision.imageSize),
    height: Math.floor(canvas.height / vision.imageSize),
  };
  const kept = unpaddedBox({ width: tiles.width * side, height: tiles.height * side }, size);
  return {
    kind: "tiled",
    patches,
    canvas,
    letterbox: letterbox(size, canvas),
    tiles,
    kept,
    shrunk: shrunkSize(kept, policy.maxTiles * patches),
  };
}

/**
 * Decides how the pictures of one question are looked at. More than one are each padded where one would be tiled: so the
 * checkpoints were trained and evaluated, and so several leave room in the prompt.
 *
 * Source: `image_aspect_ratio` in LLaVA-NeXT's train.py and in the evaluation harness's llava_onevision_llada.py.
 */
export function imageLayouts(
  sizes: readonly Size[],
  policy: ImagePolicy,
  vision: ViewRules,
  detail: Detail,
): ImageLayout[] {
  const isTiled = policy.aspect === "anyres";
  const used: ImagePolicy = sizes.length > 1 && isTiled ? { ...policy, aspect: "pad" } : policy;
  return sizes.map((size) => imageLayout(size, used, vision, detail));
}

/** Counts the vectors that a picture of this size becomes: known, and paid for, before it is decoded. */
export function imageVectorCount(
  width: number,
  height: number,
  policy: ImagePolicy,
  vision: ViewRules,
  detail: Detail,
): number {
  return layoutVectorCount(imageLayout({ width, height }, policy, vision, detail));
}

/** Counts the vectors of a layout: P + rows × (columns + 1) of a tiled one, P + 1 of any other. */
export function layoutVectorCount(layout: ImageLayout): number {
  if (layout.kind === "single") return layout.patches + 1;
  return layout.patches + layout.shrunk.height * (layout.shrunk.width + 1);
}

/**
 * Picks the canvas that keeps the most pixels of the picture, then the one that wastes fewest; the first wins a tie.
 *
 * Source: `select_best_resolution` in mm_utils.py; its int() truncates.
 */
export function bestCanvas(size: Size, candidates: ImagePolicy["gridPinpoints"]): Size {
  let best: Size | undefined;
  let bestKept = 0;
  let bestWaste = Number.POSITIVE_INFINITY;
  for (const [width, height] of candidates) {
    const scale = Math.min(width / size.width, height / size.height);
    const scaled = Math.trunc(size.width * scale) * Math.trunc(size.height * scale);
    const kept = Math.min(scaled, size.width * size.height);
    const waste = width * height - kept;
    if (kept > bestKept || (kept === bestKept && waste < bestWaste)) {
      best = { width, height };
      bestKept = kept;
      bestWaste = waste;
    }
  }
  if (best === undefined) throw new RangeError("an anyres policy needs at least one grid pinpoint");
  return best;
}

/** Fits a picture into a canvas, centred. Source: `resize_and_pad_image`: `ceil` for the short side, floor for the offset. */
export function letterbox(size: Size, canvas: Size): Box {
  const across = canvas.width / size.width;
  const down = canvas.height / size.height;
  const width = across < down ? canvas.width : Math.min(Math.ceil(size.width * down), canvas.width);
  const height =
    across < down ? Math.min(Math.ceil(size.height * across), canvas.height) : canvas.height;
  return {
    left: Math.floor((canvas.width - width) / 2),
    top: Math.floor((canvas.height - height) / 2),
    width,
    height,
  };
}

/**
 * Finds the patches of a letterboxed grid that show the picture. The crop is symmetric, so it may keep one row or column
 * more than the picture covers; an extreme picture can lose all of them.
 *
 * Source: `unpad_image` in llava_arch.py.
 */
export function unpaddedBox(grid: Size, size: Size): Box {
  if (size.width / size.height > grid.width / grid.height) {
    const height = Math.trunc(size.height * (grid.width / size.width));
    const top = Math.floor((grid.height - height) / 2);
    return { left: 0, top, width: grid.width, height: grid.height - 2 * top };
  }
  const width = Math.trunc(size.width * (grid.height / size.height));
  const left = Math.floor((grid.width - width) / 2);
  return { left, top: 0, width: grid.width - 2 * left, height: grid.height };
}

/** Grids up to this much (in each direction) over the budget are left as they are. Source: llava_arch.py, anyres_max branch. */
const SHRINK_THRESHOLD = 1.1;

function shrunkSize(kept: Size, patchBudget: number): Size {
  const excess = Math.sqrt((kept.height * kept.width) / patchBudget);
  if (!(excess > SHRINK_THRESHOLD)) return { width: kept.width, height: kept.height };
  return {
    width: floorDivide(kept.width, excess),
    height: floorDivide(kept.height, excess),
  };
}

/** Python's `//` on floats. Math.floor(a / b) is one too large where the quotient is rounded up to a whole number. */
function floorDivide(dividend: number, divisor: number): number {
  return Math.round((dividend - (dividend % divisor)) / divisor);
}
