import { type Tensor, tensor } from "#domain/tensor.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { type EngineParts, floats } from "./engine-parts.ts";
import type { Session } from "./ort.ts";

/**
 * Rows that the head takes at once. It holds a handful of [R, V] arrays: 32 MB each at 64 rows of the 8B checkpoint, where a
 * canvas of 1024 would need 0.5 GB each. The weights are read once per 64 rows, which costs nothing against 64 products.
 */
const HEAD_ROWS = 64;

/** Runs the head over the asked rows of hidden [B, S, D]. */
export async function predict(
  parts: EngineParts,
  pass: ForwardPass,
  hidden: Tensor,
  signal: AbortSignal,
): Promise<Predictions> {
  const count = pass.rows.length;
  const predictions = {
    tokens: new Int32Array(count),
    chosenLogits: new Float32Array(count),
    maxLogits: new Float32Array(count),
    runnerUpLogits: new Float32Array(count),
    tails: new Float32Array(count),
  };
  const session = await parts.sessions.session("head", signal);
  const constants = constantInputs(parts.architecture.logitsColumns, pass);
  for (let start = 0; start < count; start += HEAD_ROWS) {
    signal.throwIfAborted();
    const end = Math.min(start + HEAD_ROWS, count);
    const part = await runHead(parts, session, {
      hidden: takeRows(hidden, pass.rows.slice(start, end)),
      noise: noiseOf(parts.architecture.logitsColumns, pass, start, end),
      ...constants,
    });
    predictions.tokens.set(part.tokens, start);
    predictions.chosenLogits.set(part.chosenLogits, start);
    predictions.maxLogits.set(part.maxLogits, start);
    predictions.runnerUpLogits.set(part.runnerUpLogits, start);
    predictions.tails.set(part.tails, start);
  }
  return predictions;
}

/** Inputs of the head that are the same for all rows. */
function constantInputs(
  columns: number,
  { suppressed, guidance }: ForwardPass,
): Readonly<Record<string, Tensor>> {
  const suppression = new Float32Array(columns);
  for (const id of suppressed) suppression[id] = Number.NEGATIVE_INFINITY;
  const scale = guidance === undefined ? 0 : guidance.scale + 1;
  return {
    suppression: tensor([columns], suppression),
    guidance: tensor([], Float32Array.of(scale)),
  };
}

/** The rows' share of the noise, or a single zero that the graph spreads over all of them. */
function noiseOf(columns: number, { noiseRV }: ForwardPass, start: number, end: number): Tensor {
  if (noiseRV === undefined) return tensor([1, 1], new Float32Array(1));
  return tensor([end - start, columns], noiseRV.subarray(start * columns, end * columns));
}

function takeRows({ shape, data }: Tensor, rows: readonly number[]): Tensor {
  const [batch = 1, length = 0, width = 0] = shape;
  const taken = new Float32Array(batch * rows.length * width); // [B, R, D]
  for (let branch = 0; branch < batch; branch++) {
    for (const [index, row] of rows.entries()) {
      const from = (branch * length + row) * width;
      taken.set(data.subarray(from, from + width), (branch * rows.length + index) * width);
    }
  }
  return tensor([batch, rows.length, width], taken);
}

async function runHead(
  parts: EngineParts,
  session: Session,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Predictions> {
  const decided = ["tokens", "chosenLogits", "maxLogits", "runnerUpLogits", "tails"];
  const inside = parts.isObserved ? ["normed", "logits"] : [];
  const result = await session.run(inputs, [...decided, ...inside]);
  for (const name of inside) parts.observe(name, floats(result[name]));
  const tokens = result["tokens"]?.data;
  if (!(tokens instanceof Int32Array)) throw new Error("the head yielded no int32 tokens");
  return {
    tokens,
    chosenLogits: floats(result["chosenLogits"]).data,
    maxLogits: floats(result["maxLogits"]).data,
    runnerUpLogits: floats(result["runnerUpLogits"]).data,
    tails: floats(result["tails"]).data,
  };
}
