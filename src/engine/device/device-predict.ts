import { tensor } from "#domain/tensor.ts";
import { BEST_AT_ONCE } from "#graph/device/best.ts";
import { deviceNumbers } from "#graph/device/head.ts";
import { DEVICE_NEVER } from "#graph/device/row-search.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { floats, whole32 } from "../engine-parts.ts";
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
} from "../passes/head-run.ts";
import { takePositions } from "../passes/rows.ts";
import type { Session, SessionTensor } from "../runtime/runtime.ts";
import type { DeviceParts, PostedRuns } from "./device-layers.ts";
import { paddedLength } from "./device-shapes.ts";

/**
 * Runs the head over the asked rows of the vectors that the layers have left, and waits for it.
 * @param firstLeft position in the sequence of the first of those vectors
 */
export async function predictOnDevice(
  parts: DeviceParts,
  runs: PostedRuns,
  pass: ForwardPass,
  firstLeft: number,
  signal: AbortSignal,
): Promise<Predictions> {
  const session = await parts.sessions.session("head", signal);
  signal.throwIfAborted();
  const { logitsColumns: columns } = parts.architecture;
  const constants = constantInputs({ columns, never: DEVICE_NEVER }, pass);
  const puts: (() => Promise<void>)[] = [];
  const predictions = emptyPredictions(columns, pass);
  for (const run of headRuns(pass.rows.length, paddedLength)) {
    const inputs = {
      hidden: { shelf: runs.shelf, name: "hidden" },
      rows: whole32(run.indices.map((index) => pass.rows[index]! - firstLeft)),
      classes: whole32(classesOf(pass, run)),
      noise: noiseOf(columns, pass, run),
      ...constants,
    };
    const asked = askedOf(columns, pass, run);
    const rounds = Math.ceil(bestCount(columns, pass) / BEST_AT_ONCE);
    const keep = asked.places.length > 0 || rounds > 0 ? { allowed: allowedOf(runs) } : undefined;
    const numbers = runs.post(runHead(parts, session, inputs, run, keep));
    puts.push(async () => putNumbers(predictions, await numbers, run));
    if (asked.places.length > 0) {
      const logits = runs.post(takeAsked(parts, runs, asked));
      puts.push(async () => putAsked(predictions, await logits, asked));
    }
    for (let round = 0; round < rounds; round++) {
      const best = runs.post(findBest(parts, runs));
      puts.push(async () => putBest(predictions, await best, run, round));
    }
  }
  await runs.settle();
  for (const put of puts) await put();
  return predictions;
}

/** Where the logits of a run lie until the next one's take their place. */
function allowedOf({ shelf }: PostedRuns): { readonly shelf: number; readonly name: string } {
  return { shelf, name: "allowed" };
}

async function runHead(
  parts: DeviceParts,
  session: Session,
  inputs: Parameters<Session["run"]>[0],
  { start, end }: HeadRun,
  keep: Parameters<Session["run"]>[2],
): Promise<SessionTensor | undefined> {
  const inside = parts.isObserved ? ["normed", "logits"] : [];
  const result = await session.run(inputs, ["numbers", ...inside], keep);
  const count = end - start;
  for (const name of inside) {
    const { shape, data } = floats(result[name]);
    const [rows = 0, width = 0] = shape.slice(-2);
    const first = takePositions(
      tensor([data.length / (rows * width), rows, width], data),
      0,
      count,
    );
    parts.observe(name, tensor([...shape.slice(0, -2), count, width], first.data));
  }
  return result["numbers"];
}

async function takeAsked(
  { steps }: DeviceParts,
  runs: PostedRuns,
  { places }: AskedOfRun,
): Promise<SessionTensor | undefined> {
  const padded = Array.from({ length: paddedLength(places.length) }, (_, at) => places[at] ?? 0);
  const inputs = { allowed: allowedOf(runs), places: whole32(padded) };
  return (await steps.asked.run(inputs, ["askedLogits"]))["askedLogits"];
}

/** Finds the next few of each row, and leaves the logits without them. */
async function findBest(
  { steps }: DeviceParts,
  runs: PostedRuns,
): Promise<SessionTensor | undefined> {
  const allowed = allowedOf(runs);
  return (await steps.best.run({ allowed }, ["best"], { rest: allowed }))["best"];
}

/** Takes a part [R, 6] apart, leaving out the rows that only filled up. */
function putNumbers(
  predictions: Predictions,
  part: SessionTensor | undefined,
  { start, end }: HeadRun,
): void {
  const { data } = floats(part);
  const width = deviceNumbers.length;
  for (let row = start; row < end; row++) {
    for (const [column, name] of deviceNumbers.entries())
      predictions[name][row] = fromDevice(data[(row - start) * width + column]!);
  }
}

function putAsked(
  { askedLogits }: Predictions,
  part: SessionTensor | undefined,
  { order }: AskedOfRun,
): void {
  const { data } = floats(part);
  if (askedLogits === undefined) return;
  for (const [place, index] of order.entries()) askedLogits[index] = fromDevice(data[place]!);
}

/** `round`: how many runs over the same rows came before it. */
function putBest(
  { best }: Predictions,
  part: SessionTensor | undefined,
  { start, end }: HeadRun,
  round: number,
): void {
  const { data } = floats(part);
  if (best === undefined) return;
  const { count, tokensRN, logitsRN } = best;
  const first = round * BEST_AT_ONCE;
  for (let row = start; row < end; row++) {
    for (let rank = first; rank < Math.min(first + BEST_AT_ONCE, count); rank++) {
      const at = 2 * ((row - start) * BEST_AT_ONCE + rank - first);
      tokensRN[row * count + rank] = data[at]!;
      logitsRN[row * count + rank] = fromDevice(data[at + 1]!);
    }
  }
}

function fromDevice(value: number): number {
  return value <= DEVICE_NEVER / 2 ? Number.NEGATIVE_INFINITY : value;
}
