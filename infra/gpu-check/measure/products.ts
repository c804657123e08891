import { tensor } from "#domain/tensor.ts";
import { floats } from "#engine/engine-parts.ts";
import type { Session } from "#engine/runtime/runtime.ts";
import { createGraph, type Graph, type Value } from "#graph/build.ts";
import {
  type Measure,
  numberOption,
  option,
  random,
  relativeError,
  rounded,
  shortest,
} from "./measure.ts";
import { openRuntime } from "./runtimes.ts";

/** Columns of the 8B's feed-forward product and back. */
const LARGE = [4096, 12_288] as const;
const SMALL = [256, 512] as const;

const ROWS = [32, 128, 1128];

/** Pairs of products in the two chains whose difference is timed: nothing that crosses to the device and back is in it. */
const SHORT = 1;
const LONG = 5;

const BLOCK = 32;

/** Root mean square of even spreads: of odd levels −7 … 7, of odd ones −127 … 127, and of ±[1, 2). */
const LEVELS_RMS = { 4: 4.58, 8: 73.3 } as const;
const MANTISSA_RMS = 1.5275;

/** How one linear is computed: weights of 4 or 8 bits in blocks of 32, or of 16 or 32 without; then the activations. */
interface Variant {
  readonly bits: number;
  readonly accuracy: number;
  readonly activations: "f16" | "f32";
}

/** Speed of linears by their form, at the rows of a small window, a canvas and a whole pass; and their error against the CPU. */
export const products: Measure = async (bench) => {
  const { order, begin, tell } = bench;
  const variant: Variant = {
    bits: numberOption(order, "bits"),
    accuracy: numberOption(order, "accuracy"),
    activations: option(order, "activations") === "f16" ? "f16" : "f32",
  };
  const columns = order.small ? SMALL : LARGE;
  const weights = weightsOf(variant, columns);
  const open = async (provider: typeof order.provider, pairs: number, whole: boolean) => {
    const runtime = await openRuntime(provider);
    const model = chain(variant, columns, pairs, whole);
    return await runtime.createSession("chain", model, weights.slice());
  };
  const what = `${variant.bits} bits, accuracy ${variant.accuracy}, ${variant.activations}`;
  begin(`${what}: sessions`);
  const once = await open(order.provider, 1, true);
  const plain = await open("cpu", 1, true);
  const [short, long] = [
    await open(order.provider, SHORT, false),
    await open(order.provider, LONG, false),
  ];
  for (const rows of order.small ? ROWS.slice(0, 2) : ROWS) {
    begin(`${what}, ${rows} rows`);
    const x = tensor([rows, columns[0]], random(rows * columns[0]));
    const run = async (session: Session): Promise<Float32Array> =>
      floats((await session.run({ x }, ["y"]))["y"]).data;
    const error = relativeError(await run(once), await run(plain));
    const runs = order.small ? 1 : 7;
    const shortMs = await shortest(bench, runs, () => run(short));
    const longMs = await shortest(bench, runs, () => run(long));
    const pairMs = (longMs - shortMs) / (LONG - SHORT);
    const flops = 4 * rows * columns[0] * columns[1];
    tell({
      bits: variant.bits,
      accuracy: variant.accuracy,
      activations: variant.activations,
      rows,
      pairMs: rounded(pairMs),
      teraflops: pairMs > 0 ? rounded(flops / pairMs / 1e9) : null,
      error: rounded(error),
    });
  }
};

/** x [M, in] through pairs of products in → out → in; `whole` gives all of the result, else one number a row. */
function chain(
  variant: Variant,
  [inputs, outputs]: readonly [number, number],
  pairs: number,
  whole: boolean,
): Uint8Array {
  const graph = createGraph("chain");
  const x = graph.input("x", "FLOAT", ["M", inputs]);
  const type = variant.activations === "f16" ? "FLOAT16" : "FLOAT";
  let value = type === "FLOAT16" ? graph.cast(x, type) : x;
  for (let pair = 0; pair < pairs; pair++) {
    value = product(graph, variant, value, [inputs, outputs], 0);
    value = product(
      graph,
      variant,
      value,
      [outputs, inputs],
      weightBytes(variant, inputs * outputs),
    );
  }
  if (type === "FLOAT16") value = graph.cast(value, "FLOAT");
  if (whole) graph.output("y", value, "FLOAT", ["M", inputs]);
  else graph.output("y", graph.node("ReduceMax", [value, graph.integers([1])]), "FLOAT", ["M", 1]);
  return graph.toBytes();
}

function product(
  graph: Graph,
  { bits, accuracy, activations }: Variant,
  x: Value,
  [inputs, outputs]: readonly [number, number],
  offset: number,
): Value {
  const type = activations === "f16" ? "FLOAT16" : "FLOAT";
  const name = `w${offset}`;
  if (bits > 8) {
    const stored = bits === 16 ? "FLOAT16" : "FLOAT";
    const bytes = (inputs * outputs * bits) / 8;
    const weight = graph.weight(name, stored, [inputs, outputs], { offset, bytes });
    return graph.node("MatMul", [x, stored === type ? weight : graph.cast(weight, type)]);
  }
  const blocks = inputs / BLOCK;
  const bytes = (inputs * outputs * bits) / 8;
  const shape = [outputs, blocks, (BLOCK * bits) / 8];
  const weight = graph.weight(name, "UINT8", shape, { offset, bytes });
  const scaleBytes = blocks * outputs * (type === "FLOAT16" ? 2 : 4);
  const scales = graph.weight(`${name} scales`, type, [outputs * blocks], {
    offset: offset + bytes,
    bytes: scaleBytes,
  });
  return graph.node("MatMulNBits", [x, weight, scales], {
    domain: "com.microsoft",
    attributes: { K: inputs, N: outputs, bits, block_size: BLOCK, accuracy_level: accuracy },
  });
}

/** Bytes of one matrix with its scales. */
function weightBytes({ bits, activations }: Variant, count: number): number {
  const scales = bits > 8 ? 0 : (count / BLOCK) * (activations === "f16" ? 2 : 4);
  return (count * bits) / 8 + scales;
}

/** Both matrices, such that what goes through the pair stays as large as it was. */
function weightsOf(variant: Variant, [inputs, outputs]: readonly [number, number]): Uint8Array {
  const rms = (inputs * outputs) ** -0.25;
  const matrix = weightBytes(variant, inputs * outputs);
  const bytes = new Uint8Array(2 * matrix);
  for (const offset of [0, matrix]) fill(variant, bytes, offset, inputs * outputs, rms);
  return bytes;
}

function fill(
  { bits, activations }: Variant,
  bytes: Uint8Array,
  offset: number,
  count: number,
  rms: number,
): void {
  const words = new Uint32Array(bytes.buffer, offset, (count * bits) / 32);
  let state = 0x9e37_79b9;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  const exponent = Math.round(Math.log2(rms / MANTISSA_RMS));
  const half = (exponent + 15) << 10;
  for (let index = 0; index < words.length; index++) {
    const word = next();
    if (bits === 16) words[index] = (word & 0x83ff_83ff) | (half << 16) | half;
    else if (bits === 32) words[index] = (word & 0x807f_ffff) | ((exponent + 127) << 23);
    else words[index] = word | (bits === 4 ? 0x1111_1111 : 0x0101_0101); // odd, so their mean is the zero point
  }
  if (bits > 8) return;
  const scale = rms / LEVELS_RMS[bits === 4 ? 4 : 8];
  const scales = weightBytes({ bits, activations, accuracy: 0 }, count) - (count * bits) / 8;
  if (activations === "f16")
    new Float16Array(bytes.buffer, offset + (count * bits) / 8, scales / 2).fill(scale);
  else new Float32Array(bytes.buffer, offset + (count * bits) / 8, scales / 4).fill(scale);
}
