import type { Picture } from "#domain/tensor.ts";

/**
 * Scales a picture with the bicubic filter that the checkpoints were trained with, bit for bit as Pillow does it:
 * antialiased when shrinking, columns first, fixed-point coefficients, rounded and clamped to 8 bits between the passes.
 * This is the plain twin of the kernel in `wasm/`. Both sides of the target must be at least 1 (RangeError otherwise).
 *
 * Source: Pillow 9.4, src/libImaging/Resample.c, `ImagingResampleInner` with the BICUBIC filter.
 */
export function resizeBicubic(picture: Picture, width: number, height: number): Picture {
  if (!(width >= 1 && height >= 1)) {
    throw new RangeError(`a picture cannot be resized to ${width}x${height}`);
  }
  const narrowed = width === picture.width ? picture : resizeColumns(picture, width);
  if (height !== picture.height) return resizeRows(narrowed, height);
  return narrowed === picture ? { ...picture, pixelsHWC: picture.pixelsHWC.slice() } : narrowed;
}

/** Bits behind the point of a coefficient: 32 minus 8 of the pixel and 2 of headroom for the filter's negative lobes. */
const PRECISION_BITS = 32 - 8 - 2;

/** Half a unit in the last place of the result, which turns the final shift into rounding. */
const ROUNDING = 1 << (PRECISION_BITS - 1);

const CHANNELS = 3;

/** For each output coordinate the first input coordinate, how many follow, and their weights. */
interface Coefficients {
  readonly firsts: Int32Array;
  readonly counts: Int32Array;
  /** Weights times 2^PRECISION_BITS, `stride` per output coordinate. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function resizeColumns(picture: Picture, width: number): Picture {
  const { height, pixelsHWC: source } = picture;
  const { firsts, counts, weights, stride } = coefficients(picture.width, width);
  const target = new Uint8Array(height * width * CHANNELS);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let red = ROUNDING;
      let green = ROUNDING;
      let blue = ROUNDING;
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

function resizeRows(picture: Picture, height: number): Picture {
  const { width, pixelsHWC: source } = picture;
  const { firsts, counts, weights, stride } = coefficients(picture.height, height);
  const rowBytes = width * CHANNELS;
  const target = new Uint8Array(height * rowBytes);
  for (let y = 0; y < height; y++) {
    for (let column = 0; column < rowBytes; column++) {
      let sum = ROUNDING;
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

function coefficients(inputSize: number, outputSize: number): Coefficients {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1); // Shrinking widens the filter: that is the antialiasing.
  const support = 2 * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const firsts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
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
    for (let tap = 0; tap < count; tap++) {
      const share = total === 0 ? exact[tap]! : exact[tap]! / total;
      const fixed = share * 2 ** PRECISION_BITS;
      weights[output * stride + tap] = Math.trunc(share < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    firsts[output] = first;
    counts[output] = count;
  }
  return { firsts, counts, weights, stride };
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
