import type { Mat, Size } from "#domain/image/layout.ts";
import type { Picture } from "#domain/tensor.ts";

/** Grey of a mat: int(0.5 × 255), the image processor's mean. Source: `expand2square` in mm_utils.py. */
export const MAT_LEVEL = 127;

/**
 * Most pixels of a mat's side to one of the target's. A row of nothing but grey must come out as that grey, as the padded
 * picture's would: the weights of one output are rounded, each by half a unit at most, and 127 × 4 × 8,000 / 2 of them stay
 * below the half that rounding takes back. A mat of the largest picture on a target of 224 has 73.
 */
export const MAX_MAT_SCALE = 8_000;

/**
 * Scales a picture with the bicubic filter that the checkpoints were trained with, bit for bit as Pillow does it:
 * antialiased when shrinking, columns first, fixed-point coefficients, rounded and clamped to 8 bits between the passes.
 * This is the plain twin of the kernel in `wasm/`. Both sides of the target must be at least 1 (RangeError otherwise).
 *
 * With a mat, it is the mat with the picture on it that is scaled: the same bytes as building it first, in the memory of
 * one pass over the picture. RangeError where the picture does not fit, or the mat is over `MAX_MAT_SCALE` times the target.
 *
 * Source: Pillow 9.4, src/libImaging/Resample.c, `ImagingResampleInner` with the BICUBIC filter.
 */
export function resizeBicubic(
  picture: Picture,
  width: number,
  height: number,
  mat: Mat = matOf(picture),
): Picture {
  checkResize(picture, { width, height }, mat);
  const across = { inputSize: mat.width, start: mat.left, extent: picture.width };
  const down = { inputSize: mat.height, start: mat.top, extent: picture.height };
  const narrowed = isWhole(across, width) ? picture : resizeColumns(picture, width, across);
  if (!isWhole(down, height)) return resizeRows(narrowed, height, down);
  return narrowed === picture ? { ...picture, pixelsHWC: picture.pixelsHWC.slice() } : narrowed;
}

/** A mat that the picture covers. */
export function matOf({ width, height }: Size): Mat {
  return { width, height, left: 0, top: 0 };
}

/** Throws RangeError for a target without pixels and for a mat that does not go with picture and target. */
export function checkResize(picture: Size, target: Size, mat: Mat): void {
  const { width, height } = target;
  if (!(width >= 1 && height >= 1)) {
    throw new RangeError(`a picture cannot be resized to ${width}x${height}`);
  }
  const isInside =
    mat.left >= 0 &&
    mat.top >= 0 &&
    mat.left + picture.width <= mat.width &&
    mat.top + picture.height <= mat.height;
  if (!isInside) throw new RangeError("a picture must lie within its mat");
  const isCovered = mat.width === picture.width && mat.height === picture.height;
  if (!isCovered && Math.max(mat.width / width, mat.height / height) > MAX_MAT_SCALE) {
    throw new RangeError(
      `a mat of ${mat.width}x${mat.height} is too large for a target of ${width}x${height}`,
    );
  }
}

/** One direction of a picture on its mat, in pixels. */
interface Axis {
  readonly inputSize: number;
  /** Where the picture begins. */
  readonly start: number;
  readonly extent: number;
}

/** Whether there is nothing to do in this direction. */
function isWhole({ inputSize, extent }: Axis, outputSize: number): boolean {
  return inputSize === outputSize && inputSize === extent;
}

/** Bits behind the point of a coefficient: 32 minus 8 of the pixel and 2 of headroom for the filter's negative lobes. */
const PRECISION_BITS = 32 - 8 - 2;

/** Half a unit in the last place of the result, which turns the final shift into rounding. */
const ROUNDING = 1 << (PRECISION_BITS - 1);

const CHANNELS = 3;

/** For each output coordinate the first coordinate in the picture, how many follow, and their weights. */
interface Coefficients {
  readonly firsts: Int32Array;
  readonly counts: Int32Array;
  /** What a sum begins with: half a unit for rounding, and the grey of the mat under the weights outside of the picture. */
  readonly biases: Int32Array;
  /** Weights times 2^PRECISION_BITS, `stride` per output coordinate. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function resizeColumns(picture: Picture, width: number, axis: Axis): Picture {
  const { height, pixelsHWC: source } = picture;
  const { firsts, counts, biases, weights, stride } = coefficients(axis, width);
  const target = new Uint8Array(height * width * CHANNELS);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let red = biases[x]!;
      let green = red;
      let blue = red;
      let from = (y * picture.width + firsts[x]!) * CHANNELS;
      for (let tap = 0; tap < counts[x]!; tap++) {
        const weight = weights[x * stride + tap]!;
        red += source[from]! * weight;
        green += source[from + 1]! * weight;
        blue += source[from + 2]! * weight;
        from += CHANNELS;
      }
      const to = (y * width + x) * CHANNELS;
      target[to] = clampToByte(red >> PRECISION_BITS);
      target[to + 1] = clampToByte(green >> PRECISION_BITS);
      target[to + 2] = clampToByte(blue >> PRECISION_BITS);
    }
  }
  return { width, height, pixelsHWC: target };
}

/** A row of the mat beside the picture is `MAT_LEVEL` after the columns' pass as before it: see `MAX_MAT_SCALE`. */
function resizeRows(picture: Picture, height: number, axis: Axis): Picture {
  const { width, pixelsHWC: source } = picture;
  const { firsts, counts, biases, weights, stride } = coefficients(axis, height);
  const rowBytes = width * CHANNELS;
  const target = new Uint8Array(height * rowBytes);
  for (let y = 0; y < height; y++) {
    for (let column = 0; column < rowBytes; column++) {
      let sum = biases[y]!;
      let from = firsts[y]! * rowBytes + column;
      for (let tap = 0; tap < counts[y]!; tap++) {
        sum += source[from]! * weights[y * stride + tap]!;
        from += rowBytes;
      }
      target[y * rowBytes + column] = clampToByte(sum >> PRECISION_BITS);
    }
  }
  return { width, height, pixelsHWC: target };
}

function coefficients({ inputSize, start, extent }: Axis, outputSize: number): Coefficients {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1); // Shrinking widens the filter: that is the antialiasing.
  const support = 2 * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const firsts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const biases = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * stride);
  const exact = new Float64Array(stride);
  for (let output = 0; output < outputSize; output++) {
    const center = (output + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), inputSize) - first;
    let total = 0;
    for (let tap = 0; tap < count; tap++) {
      // Multiplying by the inverse instead of dividing is Pillow's rounding, not a shortcut of ours.
      const weight = cubic((tap + first - center + 0.5) * (1 / filterScale));
      exact[tap] = weight;
      total += weight;
    }
    let [bias, inside] = [ROUNDING, 0];
    for (let tap = 0; tap < count; tap++) {
      const share = total === 0 ? exact[tap]! : exact[tap]! / total;
      const fixed = share * 2 ** PRECISION_BITS;
      const weight = Math.trunc(share < 0 ? fixed - 0.5 : fixed + 0.5);
      const isInside = first + tap >= start && first + tap < start + extent;
      if (isInside) weights[output * stride + inside++] = weight;
      else bias += MAT_LEVEL * weight;
    }
    firsts[output] = inside === 0 ? 0 : Math.max(first - start, 0);
    counts[output] = inside;
    biases[output] = bias;
  }
  return { firsts, counts, biases, weights, stride };
}

/** Keys' cubic convolution kernel with a = −0.5, in Pillow's order of operations. */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function clampToByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
