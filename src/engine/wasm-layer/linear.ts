import { STANDARD_Q4_BLOCK, type StageLayout, type TensorEntry } from "#domain/bundle.ts";
import { tensorEntry } from "#graph/linear.ts";
import type { Area, Arena } from "./kernel.ts";

/** Numbers that share a scale of an activation, and of a weight in q4 at least. */
const BLOCK = 32;

/** Rows of a tile of the products, and outputs. */
export const TILE_ROWS = 4;
const TILE_OUTPUTS = 8;

/** Bytes that a block of eight outputs takes: of w8 with its corrections. */
const Q4_BYTES = 128;
const W8_BYTES = 288;

/** How activations are quantised: what a linear's products take. */
export type ActivationKind = "signed" | "small";

/** Activations of some rows, quantised. */
export interface Activations {
  readonly levels: Area;
  readonly scales: Area;
  readonly corrections: Area;
}

/** A linear in a kernel's memory. */
export interface PackedLinear {
  readonly outputs: number;
  readonly inputs: number;
  /** target [rows, outputs] = the activations [rows, inputs] × its weights; rows in fours. */
  multiply(activations: Activations, target: Area, rows: number): void;
}

/** The kind of a linear, or undefined where the kernels do not take it. */
export function activationKind({
  encoding,
  shape,
  block,
}: TensorEntry): ActivationKind | undefined {
  const [outputs = 0, inputs = 0] = shape;
  if (outputs % TILE_OUTPUTS !== 0 || inputs % BLOCK !== 0) return undefined;
  if (encoding === "w8" || encoding === "w7") return "small";
  if (encoding !== "q4") return undefined;
  return inputs % (block ?? STANDARD_Q4_BLOCK) === 0 ? "signed" : undefined;
}

/** Packs a linear's weights into panels of eight outputs; see wasm/README.md. */
export function packLinear(
  arena: Arena,
  bytes: Uint8Array,
  layout: StageLayout,
  name: string,
): PackedLinear {
  const entry = tensorEntry(layout, `${name}.weight`);
  return entry.encoding === "q4" ? packQ4(arena, bytes, entry) : packW8(arena, bytes, entry);
}

function packQ4(arena: Arena, bytes: Uint8Array, entry: TensorEntry): PackedLinear {
  const [outputs = 0, inputs = 0] = entry.shape;
  const blocksPerScale = (entry.block ?? STANDARD_Q4_BLOCK) / BLOCK;
  const panelBytes = (inputs / BLOCK) * Q4_BYTES;
  const weights = arena.take((outputs / TILE_OUTPUTS) * panelBytes);
  const scales = takeQ4Scales(arena, bytes, entry, inputs / BLOCK / blocksPerScale);
  const end = arena.end;
  const staging = arena.take(panelBytes);
  for (let panel = 0; panel < outputs / TILE_OUTPUTS; panel++) {
    const from = entry.data.offset + panel * panelBytes;
    arena.bytes(staging, panelBytes).set(bytes.subarray(from, from + panelBytes));
    arena.kernel.packQ4(staging, weights + panel * panelBytes, inputs);
  }
  arena.release(end);
  return {
    outputs,
    inputs,
    multiply({ levels, scales: levelScales, corrections }, target, rows) {
      arena.kernel.multiplyQ4(
        ...([weights, scales, blocksPerScale, levels, levelScales, corrections] as const),
        ...([target, rows, outputs, inputs, outputs] as const),
      );
    },
  };
}

/** [outputs, blocks] in f16 → f32 [outputs / 8, blocks, 8]. */
function takeQ4Scales(arena: Arena, bytes: Uint8Array, entry: TensorEntry, blocks: number): Area {
  const scales = partOf(bytes, entry, "scales");
  const halves = new Float16Array(scales.buffer);
  const area = arena.takeFloats(halves.length);
  const numbers = arena.floats(area, halves.length);
  for (const [index, scale] of halves.entries()) {
    const output = Math.floor(index / blocks);
    const panel = Math.floor(output / TILE_OUTPUTS);
    const block = index % blocks;
    numbers[(panel * blocks + block) * TILE_OUTPUTS + (output % TILE_OUTPUTS)] = scale;
  }
  return area;
}

function packW8(arena: Arena, bytes: Uint8Array, entry: TensorEntry): PackedLinear {
  const [outputs = 0, inputs = 0] = entry.shape;
  const weights = arena.take((outputs / TILE_OUTPUTS) * (inputs / BLOCK) * W8_BYTES);
  const scales = arena.takeFloats(outputs);
  const scaleBytes = partOf(bytes, entry, "scales");
  arena.bytes(scales, scaleBytes.length).set(scaleBytes);
  const end = arena.end;
  const blockBytes = outputs * BLOCK;
  const staging = arena.take(blockBytes);
  for (let block = 0; block < inputs / BLOCK; block++) {
    const from = entry.data.offset + block * blockBytes;
    arena.bytes(staging, blockBytes).set(bytes.subarray(from, from + blockBytes));
    arena.kernel.packW8(staging, weights, block, outputs, inputs);
  }
  arena.release(end);
  return {
    outputs,
    inputs,
    multiply({ levels, scales: levelScales }, target, rows) {
      arena.kernel.multiplyW8(
        ...([weights, scales, levels, levelScales, target] as const),
        ...([rows, outputs, inputs, outputs] as const),
      );
    },
  };
}

/** A copy of a tensor's bytes, aligned for whatever it holds. */
export function partOf(
  bytes: Uint8Array,
  entry: TensorEntry,
  part: "data" | "scales",
): Uint8Array<ArrayBuffer> {
  const range = entry[part];
  if (range === undefined) throw new Error(`${entry.name} has no ${part}`);
  return Uint8Array.from(bytes.subarray(range.offset, range.offset + range.bytes));
}
