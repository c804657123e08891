import { type Tensor, tensor } from "#domain/tensor.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { type EngineParts, floats } from "../engine-parts.ts";
import type { Session } from "../runtime/runtime.ts";
import { fullRows, takePositions, takeRows } from "./rows.ts";

/**
 * Rows that the head takes at once. It holds a handful of [R, V] arrays: 32 MB each at 64 rows of the 8B checkpoint, where a
 * canvas of 1024 would need 0.5 GB each. The weights are read once per 64 rows, which costs nothing against 64 products.
 */
export const HEAD_ROWS = 64;

/** Runs the head over the asked rows; hidden [B, M, D] are the last M positions of the sequence. */
export async function predict(
  parts: EngineParts,
  pass: ForwardPass,
  hidden: Tensor,
  signal: AbortSignal,
): Promise<Predictions> {
  const count = pass.rows.length;
  const [size = 0] = pass.embeddingsSD.shape;
  const [, length = 0] = hidden.shape;
  const places = pass.rows.map((row) => row - (size - length));
  const predictions = emptyPredictions(count);
  const session = await parts.sessions.session("head", signal);
  const columns = parts.architecture.logitsColumns;
  const constants = constantInputs(columns, pass);
  for (let start = 0; start < count; start += HEAD_ROWS) {
    signal.throwIfAborted();
    const end = Math.min(start + HEAD_ROWS, count);
    const wanted = filledUp(Array.from({ length: end - start }, (_, index) => start + index));
    const part = await runHead(
      parts,
      session,
      {
        hidden: takeRows(
          hidden,
          wanted.map((index) => places[index]!),
        ),
        noise: noiseOf(columns, pass, wanted),
        ...constants,
      },
      end - start,
    );
    for (const name of numbersOfRow) {
      predictions[name].set(part[name].subarray(0, end - start), start);
    }
  }
  return predictions;
}

/** Room for what the head yields for so many rows. */
export function emptyPredictions(count: number): Predictions {
  return {
    tokens: new Int32Array(count),
    chosenLogits: new Float32Array(count),
    maxLogits: new Float32Array(count),
    runnerUpLogits: new Float32Array(count),
    tails: new Float32Array(count),
    slopes: new Float32Array(count),
  };
}

/** What the head yields for each row. */
const numbersOfRow = [
  "tokens",
  "chosenLogits",
  "maxLogits",
  "runnerUpLogits",
  "tails",
  "slopes",
] as const satisfies readonly (keyof Predictions)[];

/** Repeats the first row as often as rows are lacking; nobody reads what comes of it. */
function filledUp(rows: readonly number[]): readonly number[] {
  return [...rows, ...rows.slice(0, fullRows(rows.length) - rows.length)];
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
export function noiseOf(
  columns: number,
  { noiseRV }: ForwardPass,
  rows: readonly number[],
): Tensor {
  if (noiseRV === undefined) return tensor([1, 1], new Float32Array(1));
  const whole = tensor([1, noiseRV.length / columns, columns], noiseRV);
  return tensor([rows.length, columns], takeRows(whole, rows).data);
}

async function runHead(
  parts: EngineParts,
  session: Session,
  inputs: Readonly<Record<string, Tensor>>,
  count: number,
): Promise<Predictions> {
  const inside = parts.isObserved ? ["normed", "logits"] : [];
  const result = await session.run(inputs, [...numbersOfRow, ...inside]);
  for (const name of inside) parts.observe(name, firstRows(floats(result[name]), count));
  const tokens = result["tokens"]?.data;
  if (!(tokens instanceof Int32Array)) throw new Error("the head yielded no int32 tokens");
  return {
    tokens,
    chosenLogits: floats(result["chosenLogits"]).data,
    maxLogits: floats(result["maxLogits"]).data,
    runnerUpLogits: floats(result["runnerUpLogits"]).data,
    tails: floats(result["tails"]).data,
    slopes: floats(result["slopes"]).data,
  };
}

/** Leaves out the rows that only filled up: [R, V] or [B, R, D]. */
function firstRows({ shape, data }: Tensor, count: number): Tensor {
  const [width = 0] = shape.slice(-1);
  const rows = shape.at(-2) ?? 0;
  const whole = tensor([data.length / (rows * width), rows, width], data);
  const { data: first } = takePositions(whole, 0, count);
  return tensor([...shape.slice(0, -2), count, width], first);
}
