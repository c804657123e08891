import { mulberry32 } from "#model/decode/noise.ts";
import { packQ4 } from "#weights/q4.ts";
import { packInt8 } from "#weights/quant.ts";
import type { Area, Arena } from "./kernel.ts";
import { type Activations, packLinear } from "./linear.ts";
import * as twin from "./twin.ts";

/** Sizes of a check: as the kernels take them, but that rows may be any number. */
export interface CheckSizes {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly block: 32 | 64 | 128;
  readonly heads: number;
  readonly headSize: number;
  /** Positions that attention sees, at least one of them not hidden. */
  readonly length: number;
}

/** Runs every kernel and its twin on the same random numbers; returns the names of those that differ in any bit. */
export function differingKernels(arena: Arena, sizes: CheckSizes, seed: number): readonly string[] {
  const stream = mulberry32(seed);
  const draw = (count: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => 4 * stream.next() - 2);
  const start = arena.end;
  const checks = { ...linearChecks(sizes), ...rowChecks(sizes), attend: checkAttend };
  const differing = Object.entries(checks).filter(([, check]) => {
    const isSame = check(arena, draw, sizes);
    arena.release(start);
    return !isSame;
  });
  return differing.map(([name]) => name);
}

type Draw = (count: number) => Float32Array<ArrayBuffer>;
type Check = (arena: Arena, draw: Draw, sizes: CheckSizes) => boolean;

function linearChecks({ block }: CheckSizes): Record<string, Check> {
  return {
    multiplyQ4: (arena, draw, { rows, inputs, outputs }) => {
      const x = { width: inputs, data: draw(rows * inputs) };
      const packed = packQ4(draw(outputs * inputs), inputs, block);
      const product = productOf(arena, { encoding: "q4", block, packed }, x, outputs);
      return areSame(product, twin.multiplyQ4(packed, block, x).data);
    },
    multiplyW8: (arena, draw, { rows, inputs, outputs }) => {
      const x = { width: inputs, data: draw(rows * inputs) };
      const packed = packInt8(draw(outputs * inputs), inputs, 127);
      const product = productOf(arena, { encoding: "w8", packed }, x, outputs);
      return areSame(product, twin.multiplyW8(packed, x).data);
    },
  };
}

/** A linear's weights as a bundle has them. */
export interface StoredLinear {
  readonly encoding: "q4" | "w8";
  readonly block?: 32 | 64 | 128;
  readonly packed: {
    readonly data: ArrayBufferView<ArrayBuffer>;
    readonly scales: ArrayBufferView<ArrayBuffer>;
  };
}

/** Packs a linear, quantises rows for it, and multiplies: [rows, outputs]. A view of the arena. */
export function productOf(
  arena: Arena,
  { packed: { data, scales }, ...stored }: StoredLinear,
  { width, data: numbers }: twin.FloatRows,
  outputs: number,
): Float32Array {
  const bytes = new Uint8Array(data.byteLength + scales.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  bytes.set(new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength), data.byteLength);
  const entry = {
    ...{ name: "x.weight", shape: [outputs, width], ...stored },
    data: { offset: 0, bytes: data.byteLength },
    scales: { offset: data.byteLength, bytes: scales.byteLength },
  };
  const layout = { name: "head", bytes: bytes.length, shards: [], tensors: [entry] } as const;
  const linear = packLinear(arena, bytes, layout, "x");
  const count = numbers.length / width;
  const rows = Math.ceil(count / 4) * 4;
  const source = put(arena, numbers, rows * width);
  const activations: Activations = {
    levels: arena.take(rows * width),
    scales: arena.takeFloats((rows * width) / 32),
    corrections: arena.takeFloats((rows * width) / 32),
  };
  const target = arena.takeFloats(rows * outputs);
  const { levels, scales: levelScales, corrections } = activations;
  if (stored.encoding === "q4") {
    arena.kernel.quantiseSigned(source, levels, levelScales, corrections, rows, width);
  } else arena.kernel.quantiseSmall(source, levels, levelScales, rows, width);
  linear.multiply(activations, target, rows);
  return arena.floats(target, count * outputs);
}

function rowChecks({ heads, headSize }: CheckSizes): Record<string, Check> {
  const width = heads * headSize;
  return {
    rmsNorm: (arena, draw, { rows, inputs }) => {
      const [x, weights] = [draw(rows * inputs), draw(inputs)];
      const [source, by] = [put(arena, x), put(arena, weights)];
      const target = arena.takeFloats(x.length);
      arena.kernel.rmsNorm(source, by, target, rows, inputs, 1e-5);
      const expected = twin.rmsNorm({ width: inputs, data: x }, weights, 1e-5);
      return areSame(arena.floats(target, x.length), expected.data);
    },
    rotate: (arena, draw, { rows }) => {
      const [x, cosines, sines] = [
        draw(rows * width),
        draw(rows * headSize),
        draw(rows * headSize),
      ];
      const [at, ofCosines, ofSines] = [put(arena, x), put(arena, cosines), put(arena, sines)];
      arena.kernel.rotate(at, ofCosines, ofSines, rows, heads, headSize);
      const expected = twin.rotate({ width, data: x }, cosines, sines, headSize);
      return areSame(arena.floats(at, x.length), expected.data);
    },
    swiGlu: (arena, draw, { rows, inputs }) => {
      const [gate, up] = [draw(rows * inputs).map((x) => x * 60), draw(rows * inputs)];
      const [at, other] = [put(arena, gate), put(arena, up)];
      arena.kernel.swiGlu(at, other, gate.length);
      return areSame(arena.floats(at, gate.length), twin.swiGlu(gate, up));
    },
    add: (arena, draw, { rows, inputs }) => {
      const [x, y] = [draw(rows * inputs), draw(rows * inputs)];
      const [at, other] = [put(arena, x), put(arena, y)];
      arena.kernel.add(at, other, x.length);
      return areSame(
        arena.floats(at, x.length),
        x.map((value, index) => value + y[index]!),
      );
    },
  };
}

/** Every third position is hidden, and those that fill up the last four: whatever stands there, next to nothing of it would be seen. */
const checkAttend: Check = (arena, draw, { rows, headSize, length }) => {
  const [queries, positions] = [Math.ceil(rows / 4) * 4, Math.ceil(length / 4) * 4];
  const query = { width: headSize, data: draw(queries * headSize) };
  const keys = { width: headSize, data: draw(positions * headSize) };
  const values = { width: headSize, data: draw(positions * headSize) };
  const isHidden = (position: number): boolean => position >= length || position % 3 === 1;
  const mask = Float32Array.from({ length: positions }, (_, position) =>
    isHidden(position) ? Number.NEGATIVE_INFINITY : 0,
  );
  for (const [position, hidden] of mask.entries()) {
    if (hidden < 0) values.data.fill(3e38, position * headSize, (position + 1) * headSize);
  }
  const scale = 1 / Math.sqrt(headSize);
  const target = arena.takeFloats(query.data.length);
  const scores = arena.takeFloats(4 * positions);
  arena.kernel.attend(
    ...([put(arena, query.data), put(arena, keys.data), put(arena, values.data)] as const),
    ...([put(arena, mask), scores, target, queries, positions, headSize, scale] as const),
  );
  const expected = twin.attend({ query, keys, values, mask, scale });
  return areSame(arena.floats(target, query.data.length), expected.data);
};

function put(arena: Arena, numbers: Float32Array, room: number = numbers.length): Area {
  const area = arena.takeFloats(room);
  arena.floats(area, room).fill(0).set(numbers);
  return area;
}

/** Whether all bits are equal, the sign of a zero among them. */
function areSame(one: Float32Array, other: Float32Array): boolean {
  return one.length === other.length && one.every((value, index) => Object.is(value, other[index]));
}
