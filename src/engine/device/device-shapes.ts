import type { LanguageTower } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { DEVICE_NEVER } from "#graph/device/row-search.ts";
import { rotationTables } from "#graph/rotary.ts";

/**
 * Everything on a device is a multiple of so many positions or rows: shaders read four numbers at a time where lengths are multiples
 * of four, and one by one where they are not. What is lacking is filled up with a copy that nobody sees.
 */
export const DEVICE_STEP = 4;

/** The least multiple of `DEVICE_STEP` that is not below `count`. */
export function paddedLength(count: number): number {
  return Math.ceil(count / DEVICE_STEP) * DEVICE_STEP;
}

/**
 * Positions that are kept of a prefix: padded as everything is, and some even where there are none, because no tensor may be empty.
 * Those behind the prefix's own are never seen.
 */
export function keptLength(length: number): number {
  return Math.max(DEVICE_STEP, paddedLength(length));
}

/** Where a prefix lies on the device. */
export interface Place {
  readonly shelf: number;
  /** C, its own positions; `keptLength` of them are kept. */
  readonly length: number;
}

/** What all layers of a span see beside the hidden vectors, and a context for those that have none. */
export interface DeviceSurroundings {
  /** Position of the window's first row in the sequence, its rows, and how many of them are its own. */
  readonly first: number;
  readonly padded: number;
  readonly length: number;
  readonly sees?: Place;
}

/** Tables of angles [B, M, d/2], the mask [1, 1, 1, C + M], and a context [B, G, C, d] of which the mask lets nothing be seen. */
export function surroundingTensors(
  language: LanguageTower,
  { first, padded, length, sees }: DeviceSurroundings,
  branchCount: number,
): Readonly<Record<"cosines" | "sines" | "mask" | "nothing", Tensor>> {
  const { headSize, keyValueHeads } = language;
  const tables = rotationTables(language, first, padded);
  const ofAll = (table: Float32Array): Tensor => {
    const all = new Float32Array(branchCount * table.length);
    for (let branch = 0; branch < branchCount; branch++) all.set(table, branch * table.length);
    return tensor([branchCount, padded, headSize / 2], all);
  };
  const context = sees === undefined ? DEVICE_STEP : keptLength(sees.length);
  const mask = new Float32Array(context + padded);
  mask.fill(DEVICE_NEVER, sees?.length ?? 0, context);
  mask.fill(DEVICE_NEVER, context + length);
  const shape = [branchCount, keyValueHeads, DEVICE_STEP, headSize];
  const size = branchCount * keyValueHeads * DEVICE_STEP * headSize;
  return {
    cosines: ofAll(tables.cosines),
    sines: ofAll(tables.sines),
    mask: tensor([1, 1, 1, context + padded], mask),
    nothing: tensor(shape, new Float32Array(size)),
  };
}

/** A window [B, M, D] whose number of positions is full: its first ones stand in for those that lack. */
export function filledUp(rows: Tensor): Tensor {
  const [branches = 1, length = 0, width = 0] = rows.shape;
  const padded = paddedLength(length);
  if (padded === length) return rows;
  const filled = new Float32Array(branches * padded * width);
  for (let branch = 0; branch < branches; branch++) {
    const from = branch * length * width;
    for (let row = 0; row < padded; row++) {
      const start = from + (row % length) * width;
      filled.set(rows.data.subarray(start, start + width), (branch * padded + row) * width);
    }
  }
  return tensor([branches, padded, width], filled);
}
