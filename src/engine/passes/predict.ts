import { type Tensor, tensor } from "#domain/tensor.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { type EngineParts, floats, whole32 } from "../engine-parts.ts";
import type { Session, SessionTensor } from "../runtime/runtime.ts";
import {
  type AskedOfRun,
  askedOf,
  bestCount,
  classesOf,
  constantInputs,
  emptyPredictions,
  type HeadRun,
  headRuns,
  noiseOf,
} from "./head-run.ts";
import { fullRows, takePositions, takeRows } from "./rows.ts";

/** Runs the head over the asked rows; hidden [B, M, D] are the last M positions of the sequence. */
export async function predict(
  parts: EngineParts,
  pass: ForwardPass,
  hidden: Tensor,
  signal: AbortSignal,
): Promise<Predictions> {
  const [size = 0] = pass.embeddingsSD.shape;
  const [, length = 0] = hidden.shape;
  const places = pass.rows.map((row) => row - (size - length));
  const session = await parts.sessions.session("head", signal);
  const columns = parts.architecture.logitsColumns;
  const predictions = emptyPredictions(columns, pass);
  const constants = constantInputs({ columns, never: Number.NEGATIVE_INFINITY }, pass);
  const best = whole32([bestCount(columns, pass)]);
  for (const run of headRuns(pass.rows.length, fullRows)) {
    signal.throwIfAborted();
    const asked = askedOf(columns, pass, run);
    const rows = run.indices.map((index) => places[index]!);
    const inputs = {
      hidden: takeRows(hidden, rows),
      noise: noiseOf(columns, pass, run),
      classes: whole32(classesOf(pass, run)),
      asked: whole32(asked.places),
      best,
      ...constants,
    };
    const result = await runHead(parts, session, inputs, run);
    putNumbers(predictions, result, run);
    putAsked(predictions, result, asked);
    putBest(predictions, result, run);
  }
  return predictions;
}

/** What the head yields for each row besides its token. */
const numbersOfRow = [
  "chosenLogits",
  "maxLogits",
  "runnerUpLogits",
  "tails",
  "slopes",
] as const satisfies readonly (keyof Predictions)[];

const outputs = ["tokens", ...numbersOfRow, "askedLogits", "bestTokens", "bestLogits"] as const;

type HeadResult = Readonly<Record<string, SessionTensor>>;

async function runHead(
  parts: EngineParts,
  session: Session,
  inputs: Parameters<Session["run"]>[0],
  { start, end }: HeadRun,
): Promise<HeadResult> {
  const inside = parts.isObserved ? ["normed", "logits"] : [];
  const result = await session.run(inputs, [...outputs, ...inside]);
  for (const name of inside) parts.observe(name, firstRows(floats(result[name]), end - start));
  return result;
}

function putNumbers(predictions: Predictions, result: HeadResult, { start, end }: HeadRun): void {
  const count = end - start;
  predictions.tokens.set(wholes(result["tokens"]).subarray(0, count), start);
  for (const name of numbersOfRow)
    predictions[name].set(floats(result[name]).data.subarray(0, count), start);
}

function putAsked({ askedLogits }: Predictions, result: HeadResult, { order }: AskedOfRun): void {
  if (askedLogits === undefined) return;
  const { data } = floats(result["askedLogits"]);
  for (const [place, index] of order.entries()) askedLogits[index] = data[place]!;
}

function putBest({ best }: Predictions, result: HeadResult, { start, end }: HeadRun): void {
  if (best === undefined) return;
  const { count } = best;
  const size = (end - start) * count;
  best.tokensRN.set(wholes(result["bestTokens"]).subarray(0, size), start * count);
  best.logitsRN.set(floats(result["bestLogits"]).data.subarray(0, size), start * count);
}

function wholes(result: SessionTensor | undefined): Int32Array {
  if (!(result?.data instanceof Int32Array)) throw new Error("the head yielded no int32 numbers");
  return result.data;
}

/** Leaves out the rows that only filled up: [R, V] or [B, R, D]. */
function firstRows({ shape, data }: Tensor, count: number): Tensor {
  const [width = 0] = shape.slice(-1);
  const rows = shape.at(-2) ?? 0;
  const whole = tensor([data.length / (rows * width), rows, width], data);
  const { data: first } = takePositions(whole, 0, count);
  return tensor([...shape.slice(0, -2), count, width], first);
}
