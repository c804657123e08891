import { type ImageLayout, layoutVectorCount, type TiledLayout } from "#domain/image/layout.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";

/**
 * Joins the features of a picture's views [N, P, D] into the vectors that stand for it in the prompt: [count, D].
 * A single view: its patches and one newline. Tiles: the base view's patches, then the tiles' grid without its padding,
 * scaled down where it is large, each of its rows ended by a newline.
 *
 * `newline` has length D. The count equals `imageVectorCount` of the same layout.
 * Source: `prepare_inputs_labels_for_multimodal` in llava_arch.py, spatial_unpad with anyres_max.
 */
export function stitchFeatures(
  featuresNPD: Tensor,
  newline: Float32Array,
  layout: ImageLayout,
): Tensor {
  const [views = 0, patches = 0, width = 0] = featuresNPD.shape;
  const expected = layout.kind === "single" ? 1 : 1 + layout.tiles.width * layout.tiles.height;
  if (views !== expected || patches !== layout.patches || newline.length !== width) {
    throw new RangeError(
      `features [${featuresNPD.shape.join(", ")}] and a newline of ${newline.length} do not fit a layout of ${expected} views of ${layout.patches} patches`,
    );
  }
  const count = layoutVectorCount(layout);
  const vectors = new Float32Array(count * width);
  vectors.set(featuresNPD.data.subarray(0, patches * width)); // View 0 is the base.
  const rest = vectors.subarray(patches * width);
  if (layout.kind === "single") rest.set(newline);
  else writeGrid(rest, featuresNPD, newline, layout);
  return tensor([count, width], vectors);
}

function writeGrid(
  target: Float32Array,
  featuresNPD: Tensor,
  newline: Float32Array,
  layout: TiledLayout,
): void {
  const { kept, shrunk } = layout;
  const width = newline.length;
  const vertical = samples(kept.height, shrunk.height);
  const horizontal = samples(kept.width, shrunk.width);
  const vectorAt = gridReader(featuresNPD, layout);
  let offset = 0;
  for (const y of vertical) {
    for (const x of horizontal) {
      const corners: Corners = {
        topLeft: vectorAt(y.first, x.first),
        topRight: vectorAt(y.first, x.second),
        bottomLeft: vectorAt(y.second, x.first),
        bottomRight: vectorAt(y.second, x.second),
      };
      blend(target.subarray(offset, offset + width), corners, y.fraction, x.fraction);
      offset += width;
    }
    target.set(newline, offset);
    offset += width;
  }
}

/** Where an output coordinate reads: two neighbours and how far it lies towards the second. */
interface Sample {
  readonly first: number;
  readonly second: number;
  readonly fraction: number;
}

/**
 * Bilinear sampling without corner alignment and without antialiasing; equal sizes sample exactly the inputs.
 * Positions are exact here and float32 in the reference, which moves a value by up to 1e-5 of its neighbours' difference.
 *
 * Source: `F.interpolate(mode="bilinear", align_corners=False)`.
 */
function samples(inputSize: number, outputSize: number): Sample[] {
  return Array.from({ length: outputSize }, (_, output) => {
    const position = Math.max((inputSize / outputSize) * (output + 0.5) - 0.5, 0);
    const first = Math.min(Math.floor(position), inputSize - 1);
    return { first, second: Math.min(first + 1, inputSize - 1), fraction: position - first };
  });
}

/** Reads the vector at a row and column of the kept part of the tiles' joint grid, without laying the grid out. */
function gridReader(
  featuresNPD: Tensor,
  { kept, tiles }: TiledLayout,
): (row: number, column: number) => Float32Array {
  const [, patches = 0, width = 0] = featuresNPD.shape;
  const side = Math.sqrt(patches);
  return (row, column) => {
    const y = kept.top + row;
    const x = kept.left + column;
    const tile = Math.floor(y / side) * tiles.width + Math.floor(x / side);
    const patch = (y % side) * side + (x % side);
    const start = ((1 + tile) * patches + patch) * width; // View 0 is the base.
    return featuresNPD.data.subarray(start, start + width);
  };
}

interface Corners {
  readonly topLeft: Float32Array;
  readonly topRight: Float32Array;
  readonly bottomLeft: Float32Array;
  readonly bottomRight: Float32Array;
}

function blend(target: Float32Array, corners: Corners, down: number, across: number): void {
  const { topLeft, topRight, bottomLeft, bottomRight } = corners;
  if (down === 0 && across === 0) {
    target.set(topLeft);
    return;
  }
  for (let feature = 0; feature < target.length; feature++) {
    const top = topLeft[feature]! * (1 - across) + topRight[feature]! * across;
    const bottom = bottomLeft[feature]! * (1 - across) + bottomRight[feature]! * across;
    target[feature] = top * (1 - down) + bottom * down;
  }
}
