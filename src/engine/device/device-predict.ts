import { type Tensor, tensor } from "#domain/tensor.ts";
import { DEVICE_NEVER, deviceNumbers } from "#graph/device/head.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { floats } from "../engine-parts.ts";
import { emptyPredictions, HEAD_ROWS, noiseOf } from "../passes/predict.ts";
import { takePositions } from "../passes/rows.ts";
import type { Session, SessionTensor } from "../runtime/runtime.ts";
import type { DeviceParts, PostedRuns } from "./device-layers.ts";
import { paddedLength, whole32 } from "./device-shapes.ts";

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
  const constants = constantInputs(columns, pass);
  const parted: Promise<SessionTensor | undefined>[] = [];
  for (let start = 0; start < pass.rows.length; start += HEAD_ROWS) {
    const count = Math.min(HEAD_ROWS, pass.rows.length - start);
    const indices = Array.from(
      { length: paddedLength(count) },
      (_, index) => start + (index % count),
    );
    const inputs = {
      hidden: { shelf: runs.shelf, name: "hidden" },
      rows: whole32(indices.map((index) => pass.rows[index]! - firstLeft)),
      noise: noiseOf(columns, pass, indices),
      ...constants,
    };
    parted.push(runs.post(runHead(parts, session, inputs, count)));
  }
  await runs.settle();
  return readNumbers(await Promise.all(parted), pass.rows.length);
}

function constantInputs(
  columns: number,
  { suppressed, guidance }: ForwardPass,
): Readonly<Record<string, Tensor>> {
  const suppression = new Float32Array(columns);
  for (const id of suppressed) suppression[id] = DEVICE_NEVER;
  const scale = guidance === undefined ? 0 : guidance.scale + 1;
  return {
    suppression: tensor([columns], suppression),
    guidance: tensor([], Float32Array.of(scale)),
  };
}

async function runHead(
  parts: DeviceParts,
  session: Session,
  inputs: Parameters<Session["run"]>[0],
  count: number,
): Promise<SessionTensor | undefined> {
  const inside = parts.isObserved ? ["normed", "logits"] : [];
  const result = await session.run(inputs, ["numbers", ...inside]);
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

/** Takes parts [R, 6] apart, leaving out the rows that only filled up. */
function readNumbers(parts: readonly (SessionTensor | undefined)[], count: number): Predictions {
  const predictions = emptyPredictions(count);
  const width = deviceNumbers.length;
  for (const [index, part] of parts.entries()) {
    const { data } = floats(part);
    const start = index * HEAD_ROWS;
    for (let row = start; row < Math.min(start + HEAD_ROWS, count); row++) {
      for (const [column, name] of deviceNumbers.entries()) {
        const value = data[(row - start) * width + column]!;
        predictions[name][row] = value <= DEVICE_NEVER / 2 ? Number.NEGATIVE_INFINITY : value;
      }
    }
  }
  return predictions;
}
