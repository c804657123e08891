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
 * The fewest rows that anything is run over. With one the runtime takes other kernels, which sum in another order: 92 % of an
 * attention's numbers and 91 % of an int4 product's came out differently than among other rows, up to 4e-3 of their size.
 * From two on, rows do not know of each other.
 */
export const FEWEST_ROWS = 2;
