// Bicubic scaling of 8-bit RGB, bit for bit as Pillow does it. Its plain twin is src/model/image/resize.ts: the same
// steps under the same names, so that the two can be read side by side. ABI: README.md.

/** Bits behind the point of a coefficient. */
const PRECISION_BITS: i32 = 22;

/** Half a unit in the last place of the result, which turns the final shift into rounding. */
const ROUNDING: i32 = 1 << (PRECISION_BITS - 1);

const CHANNELS: i32 = 3;

/** Bytes that a pass may write or read behind a buffer's end: pixels travel four bytes at a time, rows sixteen. */
const SLACK: usize = 16;

/** First address that the caller may use, a multiple of 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}

let matWidth: i32 = 0;
let matHeight: i32 = 0;
let matLeft: i32 = 0;
let matTop: i32 = 0;
let matLevel: i32 = 0;

/** Lays the source of the next calls on a mat of one level; without it, or with a width of 0, the source is all there is. */
export function setMat(width: i32, height: i32, left: i32, top: i32, level: i32): void {
  matWidth = width;
  matHeight = height;
  matLeft = left;
  matTop = top;
  matLevel = level;
}

/** Bytes that a call with these sizes needs at `scratch`. */
export function scratchBytes(
  sourceWidth: i32,
  sourceHeight: i32,
  targetWidth: i32,
  targetHeight: i32,
): usize {
  const columns = coefficientBytes(inputSize(sourceWidth, matWidth), targetWidth);
  const rows = coefficientBytes(inputSize(sourceHeight, matHeight), targetHeight);
  return max(columns, rows) + <usize>targetWidth * sourceHeight * CHANNELS + SLACK;
}

/** Scales `source` [H, W, 3] into `target` [H', W', 3]. The three areas must not overlap. */
export function resizeBicubic(
  source: usize,
  sourceWidth: i32,
  sourceHeight: i32,
  target: usize,
  targetWidth: i32,
  targetHeight: i32,
  scratch: usize,
): void {
  const width = inputSize(sourceWidth, matWidth);
  const height = inputSize(sourceHeight, matHeight);
  const columns = coefficientBytes(width, targetWidth);
  const rows = coefficientBytes(height, targetHeight);
  const isWide = width === targetWidth && width === sourceWidth;
  const isHigh = height === targetHeight && height === sourceHeight;
  const coefficients = scratch;
  let narrowed = source;
  if (!isWide) {
    narrowed = isHigh ? target : scratch + max(columns, rows);
    const stride = fillCoefficients(coefficients, width, matLeft, sourceWidth, targetWidth);
    resizeColumns(source, sourceWidth, sourceHeight, narrowed, targetWidth, coefficients, stride);
  }
  if (!isHigh) {
    const stride = fillCoefficients(coefficients, height, matTop, sourceHeight, targetHeight);
    resizeRows(narrowed, targetWidth * CHANNELS, target, targetHeight, coefficients, stride);
  } else if (narrowed === source) {
    memory.copy(target, source, <usize>targetWidth * targetHeight * CHANNELS);
  }
}

function inputSize(source: i32, mat: i32): i32 {
  return mat === 0 ? source : mat;
}

/** One output coordinate's entry is `first`, `count`, `bias`, then `stride` weights, all i32. */
const ENTRY_HEAD: usize = 12;
const BIAS: usize = 8;

function strideOf(inputSize: i32, outputSize: i32): i32 {
  const scale = max<f64>(<f64>inputSize / <f64>outputSize, 1);
  return <i32>ceil<f64>(2 * scale) * 2 + 1;
}

function coefficientBytes(inputSize: i32, outputSize: i32): usize {
  // One more entry's worth of f64 for the weights before they are rounded; rounded up to keep what follows aligned.
  const stride = <usize>strideOf(inputSize, outputSize);
  return (<usize>outputSize * (ENTRY_HEAD + stride * 4) + stride * 8 + 31) & ~15;
}

/** Writes the entries of all output coordinates at `at` and returns their stride. The source is `extent` from `start` on. */
function fillCoefficients(
  at: usize,
  inputSize: i32,
  start: i32,
  extent: i32,
  outputSize: i32,
): i32 {
  const scale = <f64>inputSize / <f64>outputSize;
  const filterScale = max<f64>(scale, 1);
  const support = 2 * filterScale;
  const inverse = 1 / filterScale;
  const stride = strideOf(inputSize, outputSize);
  const entryBytes = ENTRY_HEAD + <usize>stride * 4;
  const exact = (at + <usize>outputSize * entryBytes + 15) & ~15;
  for (let output = 0; output < outputSize; output++) {
    const center = (<f64>output + 0.5) * scale;
    const first = max<i32>(<i32>(center - support + 0.5), 0);
    const count = min<i32>(<i32>(center + support + 0.5), inputSize) - first;
    let total: f64 = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = cubic((<f64>(tap + first) - center + 0.5) * inverse);
      store<f64>(exact + ((<usize>tap) << 3), weight);
      total += weight;
    }
    const entry = at + <usize>output * entryBytes;
    let bias = ROUNDING;
    let inside = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = load<f64>(exact + ((<usize>tap) << 3));
      const share = total === 0 ? weight : weight / total;
      const fixed = share * <f64>(1 << PRECISION_BITS);
      const rounded = <i32>(share < 0 ? fixed - 0.5 : fixed + 0.5);
      if (first + tap < start || first + tap >= start + extent) {
        bias += matLevel * rounded;
      } else {
        store<i32>(entry + ((<usize>inside) << 2), rounded, ENTRY_HEAD);
        inside++;
      }
    }
    store<i32>(entry, inside === 0 ? 0 : max<i32>(first - start, 0));
    store<i32>(entry, inside, 4);
    store<i32>(entry, bias, BIAS);
  }
  return stride;
}

function cubic(distance: f64): f64 {
  const a: f64 = -0.5;
  const x = abs<f64>(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** One pixel at a time, its channels in the lanes of one vector; the fourth lane is a neighbour's byte and is dropped. */
function resizeColumns(
  source: usize,
  sourceWidth: i32,
  height: i32,
  target: usize,
  width: i32,
  coefficients: usize,
  stride: i32,
): void {
  const entryBytes = ENTRY_HEAD + <usize>stride * 4;
  let to = target;
  for (let y = 0; y < height; y++) {
    const row = source + <usize>y * sourceWidth * CHANNELS;
    let entry = coefficients;
    for (let x = 0; x < width; x++) {
      let from = row + <usize>load<i32>(entry) * CHANNELS;
      let weights = entry + ENTRY_HEAD;
      const end = weights + ((<usize>load<i32>(entry, 4)) << 2);
      let sums = v128.load32_splat(entry, BIAS);
      while (weights < end) {
        sums = i32x4.add(sums, i32x4.mul(wide(v128.load32_zero(from)), v128.load32_splat(weights)));
        weights += 4;
        from += CHANNELS;
      }
      // The fourth byte falls on the next pixel, which is written afterwards, or on the slack behind the last.
      v128.store_lane<i32>(to, clamped(sums, sums, sums, sums), 0);
      to += CHANNELS;
      entry += entryBytes;
    }
  }
}

/** Sixteen bytes of a row at a time, then what is left byte by byte. */
function resizeRows(
  source: usize,
  rowBytes: i32,
  target: usize,
  height: i32,
  coefficients: usize,
  stride: i32,
): void {
  const entryBytes = ENTRY_HEAD + <usize>stride * 4;
  const vectors = rowBytes & ~15;
  for (let y = 0; y < height; y++) {
    const entry = coefficients + <usize>y * entryBytes;
    const rows = source + <usize>load<i32>(entry) * rowBytes;
    const weights = entry + ENTRY_HEAD;
    const count = load<i32>(entry, 4);
    const bias = load<i32>(entry, BIAS);
    const to = target + <usize>y * rowBytes;
    for (let column = 0; column < vectors; column += 16) {
      v128.store(to + column, weightedRows(rows + column, rowBytes, weights, count, bias));
    }
    for (let column = vectors; column < rowBytes; column++) {
      let sum = bias;
      let from = rows + column;
      for (let tap = 0; tap < count; tap++) {
        sum += <i32>load<u8>(from) * load<i32>(weights + ((<usize>tap) << 2));
        from += rowBytes;
      }
      store<u8>(to + column, <u8>min<i32>(max<i32>(sum >> PRECISION_BITS, 0), 255));
    }
  }
}

function weightedRows(source: usize, rowBytes: i32, weights: usize, count: i32, bias: i32): v128 {
  let first = i32x4.splat(bias);
  let second = first;
  let third = first;
  let fourth = first;
  let from = source;
  for (let tap = 0; tap < count; tap++) {
    const weight = v128.load32_splat(weights + ((<usize>tap) << 2));
    const bytes = v128.load(from);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    first = i32x4.add(first, i32x4.mul(i32x4.extend_low_i16x8_u(low), weight));
    second = i32x4.add(second, i32x4.mul(i32x4.extend_high_i16x8_u(low), weight));
    third = i32x4.add(third, i32x4.mul(i32x4.extend_low_i16x8_u(high), weight));
    fourth = i32x4.add(fourth, i32x4.mul(i32x4.extend_high_i16x8_u(high), weight));
    from += rowBytes;
  }
  return clamped(first, second, third, fourth);
}

/** Four bytes to four lanes of 32 bits. */
function wide(bytes: v128): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
}

/** Sixteen sums to sixteen bytes: the narrowing instructions saturate, which is the clamping. */
function clamped(first: v128, second: v128, third: v128, fourth: v128): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(i32x4.shr_s(first, PRECISION_BITS), i32x4.shr_s(second, PRECISION_BITS)),
    i16x8.narrow_i32x4_s(i32x4.shr_s(third, PRECISION_BITS), i32x4.shr_s(fourth, PRECISION_BITS)),
  );
}
