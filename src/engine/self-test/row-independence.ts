import { type Tensor, tensor } from "#domain/tensor.ts";
import { createGraph } from "#graph/build.ts";
import { decoderLayerGraph } from "#graph/decoder-layer.ts";
import { linear } from "#graph/linear.ts";
import type { OpProfile } from "#graph/profile.ts";
import { floats } from "../engine-parts.ts";
import { ROW_STEP, takePositions } from "../passes/rows.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { type PackedStage, packStage } from "../stages/packed-stage.ts";
import {
  decoderLayerCase,
  drawer,
  type LinearKind,
  random,
  randomTensor,
} from "./random-layers.ts";

/** Enough of both that several threads share a product; no multiple of a block, and of a tile of outputs. */
const INPUTS = 1056;
const OUTPUTS = 520;

/** Rows of the product that the others are compared with. */
const COMPANY = 96;

/** How many rows run alone: below, at and above the tiles of kernels. Multiples of `step` alone are tried. */
const ALONE: readonly number[] = [1, 2, 3, 4, 6, 10, 16, 31, 32, 33, 34, 64];

/**
 * Says whether a provider gives each row the same bits whatever rows are computed with it: in a linear of this kind, for any
 * multiple of `step` rows and at any such place among others; in a decoder layer where fewer positions ask the same keys; and in
 * one that runs two sequences at once.
 *
 * Packing the rows of several questions into one product, and leaving out rows that nobody reads, change no answer only where
 * this holds. For which steps it does not is told at `ROW_STEP`.
 */
export async function rowsAreIndependent(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
  step: number = ROW_STEP,
): Promise<boolean> {
  const alone = ALONE.filter((rows) => rows % step === 0);
  return (
    (await linearIsIndependent(runtime, profile, kind, alone, step)) &&
    (await layerIsIndependent(runtime, profile, kind, alone)) &&
    (await sequencesAreIndependent(runtime, profile, kind, step))
  );
}

async function linearIsIndependent(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
  alone: readonly number[],
  step: number,
): Promise<boolean> {
  const draw = drawer();
  const stage = packStage("self-test", [randomTensor(draw, "weight", [OUTPUTS, INPUTS], kind)]);
  const graph = createGraph("rows");
  const x = graph.input("x", "FLOAT", ["M", INPUTS]);
  const y = linear({ graph, stage: stage.layout, profile }, x);
  graph.output("y", y, "FLOAT", ["M", OUTPUTS]);
  const rows = random(draw, [COMPANY, INPUTS]).data;
  return await withSession(runtime, graph.toBytes(), stage, async (session) => {
    const product = async (first: number, count: number): Promise<Float32Array> => {
      const part = rows.slice(first * INPUTS, (first + count) * INPUTS);
      return floats((await session.run({ x: tensor([count, INPUTS], part) }, ["y"]))["y"]).data;
    };
    const together = await product(0, COMPANY);
    for (const count of alone) {
      for (const first of [0, step, COMPANY - count]) {
        const part = together.subarray(first * OUTPUTS, (first + count) * OUTPUTS);
        if (!haveEqualBits(await product(first, count), part)) return false;
      }
    }
    return true;
  });
}

async function layerIsIndependent(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
  alone: readonly number[],
): Promise<boolean> {
  const { language, stage, inputs } = decoderLayerCase(kind);
  const [, window = 0] = inputs.hidden.shape;
  const model = decoderLayerGraph(language, stage.layout, profile, "last");
  return await withSession(runtime, model, stage, async (session) => {
    const ask = async (count: number): Promise<Float32Array> => {
      const last = (angles: Tensor): Tensor => takePositions(angles, window - count, window);
      const asking = { queryCosines: last(inputs.cosines), querySines: last(inputs.sines) };
      const { hiddenOut } = await session.run({ ...inputs, ...asking }, ["hiddenOut"]);
      return floats(hiddenOut).data;
    };
    const together = await ask(window);
    for (const count of alone.filter((rows) => rows < window)) {
      const part = together.subarray((window - count) * language.hiddenSize);
      if (!haveEqualBits(await ask(count), part)) return false;
    }
    return true;
  });
}

/** The first rows of a window behind its context, and those after them as a sequence that begins there. */
async function sequencesAreIndependent(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
  step: number,
): Promise<boolean> {
  const { language, stage, inputs } = decoderLayerCase(kind);
  const { contextKeys, contextValues } = inputs;
  const [, heads = 1, context = 0, headSize = 1] = contextKeys.shape;
  const [first, second] = [4 * step, 3 * step];
  const model = decoderLayerGraph(language, stage.layout, profile, "all", 2);
  const nothing = tensor([1, heads, 0, headSize], new Float32Array(0));
  const maskOf = (length: number): Tensor => tensor([1, 1, 1, length], new Float32Array(length));
  const behind = { contextKeys, contextValues, mask: maskOf(context + first) };
  return await withSession(runtime, model, stage, async (session) => {
    const run = async (
      [from, to]: readonly [number, number],
      sees: Readonly<Record<"contextKeys" | "contextValues" | "mask", Tensor>>,
      others: number,
    ): Promise<Float32Array> => {
      const rows = (all: Tensor): Tensor => takePositions(all, from, to);
      const window = {
        hidden: rows(inputs.hidden),
        cosines: rows(inputs.cosines),
        sines: rows(inputs.sines),
      };
      const other = { contextKeys1: nothing, contextValues1: nothing, mask1: maskOf(others) };
      const { hiddenOut } = await session.run({ ...window, ...sees, ...other }, ["hiddenOut"]);
      return floats(hiddenOut).data;
    };
    const all = first + second;
    const alone = { contextKeys: nothing, contextValues: nothing, mask: maskOf(second) };
    const together = await run([0, all], behind, second);
    const end = first * language.hiddenSize;
    return (
      haveEqualBits(await run([0, first], behind, 0), together.subarray(0, end)) &&
      haveEqualBits(await run([first, all], alone, 0), together.subarray(end))
    );
  });
}

async function withSession<Result>(
  runtime: Runtime,
  model: Uint8Array,
  stage: PackedStage,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  // The runtime may take the bytes away; a case may be asked for again.
  const session = await runtime.createSession(stage.layout.name, model, stage.bytes.slice());
  try {
    return await work(session);
  } finally {
    await session.release();
  }
}

function haveEqualBits(left: Float32Array, right: Float32Array): boolean {
  const [a, b] = [left, right].map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  );
  return a?.length === b?.length && a?.every((bits, index) => bits === b?.[index]) === true;
}
