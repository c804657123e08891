import { type Tensor, tensor } from "#domain/tensor.ts";

/** Copies the positions `from` … `to` − 1 of every branch: [B, M, D] → [B, to − from, D]. */
export function takePositions({ shape, data }: Tensor, from: number, to: number): Tensor {
  const [branches = 1, length = 0, width = 0] = shape;
  if (from === 0 && to === length) return { shape, data };
  const taken = new Float32Array(branches * (to - from) * width);
  for (let branch = 0; branch < branches; branch++) {
    const start = (branch * length + from) * width;
    taken.set(data.subarray(start, start + (to - from) * width), branch * (to - from) * width);
  }
  return tensor([branches, to - from, width], taken);
}

/** Copies single positions of every branch: [B, M, D] → [B, R, D]. */
export function takeRows({ shape, data }: Tensor, rows: readonly number[]): Tensor {
  const [branches = 1, length = 0, width = 0] = shape;
  const taken = new Float32Array(branches * rows.length * width);
  for (let branch = 0; branch < branches; branch++) {
    for (const [index, row] of rows.entries()) {
      const from = (branch * length + row) * width;
      taken.set(data.subarray(from, from + width), (branch * rows.length + index) * width);
    }
  }
  return tensor([branches, rows.length, width], taken);
}

/** Sets one branch's positions behind the other's: [B, M, D] and [B, N, D] → [B, M + N, D]. */
export function joinPositions(first: Tensor, second: Tensor): Tensor {
  const [branches = 1, before = 0, width = 0] = first.shape;
  const [, after = 0] = second.shape;
  const joined = new Float32Array(branches * (before + after) * width);
  for (let branch = 0; branch < branches; branch++) {
    const start = branch * (before + after) * width;
    joined.set(first.data.subarray(branch * before * width, (branch + 1) * before * width), start);
    joined.set(
      second.data.subarray(branch * after * width, (branch + 1) * after * width),
      start + before * width,
    );
  }
  return tensor([branches, before + after, width], joined);
}

/**
 * Everything is run over a multiple of so many rows; what is lacking is filled up with a copy that nobody reads. A row that is left over from pairs goes
 * through other kernels, which sum in another order: alone 92 % of an attention's numbers and 91 % of an int4 product's (AVX2)
 * came out differently than among other rows; the last of an odd number 40 % of an int4 product's in blocks of 64 and 128
 * (AVX-512), up to 4e-3 of their size. In pairs, rows do not know of each other: `rowsAreIndependent` tests it.
 */
export const ROW_STEP = 2;

/** The least multiple of `ROW_STEP` that is not below `count`. */
export function fullRows(count: number): number {
  return Math.ceil(count / ROW_STEP) * ROW_STEP;
}
