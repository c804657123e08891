import type {
  Box,
  ImageLayout,
  Mat,
  SingleLayout,
  Size,
  TiledLayout,
} from "#domain/image/layout.ts";
import type { Picture } from "#domain/tensor.ts";

/**
 * Scales a picture bicubically, or the grey mat that it lies on: the wasm kernel where speed matters, its plain twin
 * elsewhere. Returns a new picture.
 */
export type Resize = (picture: Picture, width: number, height: number, mat?: Mat) => Picture;

/**
 * Cuts a picture into square views of `imageSize`, in the order in which `stitchFeatures` wants their features:
 * the base view (the whole picture, squeezed), then the tiles row by row.
 *
 * Source: `process_anyres_image`, `divide_to_patches`, `expand2square` in mm_utils.py.
 */
export function cutViews(
  picture: Picture,
  layout: ImageLayout,
  imageSize: number,
  resize: Resize,
): Picture[] {
  if (layout.kind === "single") {
    return [fitted(picture, layout.fit, imageSize, resize)];
  }
  return [resize(picture, imageSize, imageSize), ...cutTiles(picture, layout, imageSize, resize)];
}

function fitted(picture: Picture, fit: SingleLayout["fit"], side: number, resize: Resize): Picture {
  switch (fit) {
    case "pad":
      return resize(picture, side, side, squareMat(picture));
    case "squeeze":
      return resize(picture, side, side);
    case "stretch": {
      const lower = isHeightFirst(picture, side) ? resize(picture, picture.width, side) : picture;
      return resize(lower, side, side);
    }
    default:
      return fit satisfies never;
  }
}

/**
 * Whether newer Pillows scale a picture's height before its width. The 8 bits between the passes make the order count: a row that is
 * widened first is cut at 0 and 255 elsewhere. Checkpoints that stretch were trained with such a Pillow, the others with one that
 * always began with the width. Source: Pillow 13.0 (python-pillow/Pillow#9549), found for 20 widths by trying.
 */
function isHeightFirst({ width, height }: Size, side: number): boolean {
  return height - side > 2 * Math.max(width - side, 0);
}

function cutTiles(
  picture: Picture,
  layout: TiledLayout,
  imageSize: number,
  resize: Resize,
): Picture[] {
  const { letterbox, tiles } = layout;
  const scaled = resize(picture, letterbox.width, letterbox.height);
  const canvas = black(layout.canvas);
  paste(scaled, canvas, letterbox);
  return Array.from({ length: tiles.width * tiles.height }, (_, index) =>
    crop(canvas, {
      left: (index % tiles.width) * imageSize,
      top: Math.floor(index / tiles.width) * imageSize,
      width: imageSize,
      height: imageSize,
    }),
  );
}

/** The square in whose middle a picture lies, the smaller half above and on the left. A side of 16,384 would take 805 MB. */
function squareMat({ width, height }: Size): Mat {
  const side = Math.max(width, height);
  return {
    width: side,
    height: side,
    left: Math.floor((side - width) / 2),
    top: Math.floor((side - height) / 2),
  };
}

function black({ width, height }: Size): Picture {
  return { width, height, pixelsHWC: new Uint8Array(width * height * 3) };
}

function paste(picture: Picture, target: Picture, { left, top }: Pick<Box, "left" | "top">): void {
  for (let y = 0; y < picture.height; y++) {
    const row = picture.pixelsHWC.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
    target.pixelsHWC.set(row, ((top + y) * target.width + left) * 3);
  }
}

function crop(picture: Picture, { left, top, width, height }: Box): Picture {
  const pixelsHWC = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * picture.width + left) * 3;
    pixelsHWC.set(picture.pixelsHWC.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, pixelsHWC };
}
