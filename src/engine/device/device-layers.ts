import { type Tensor, tensor } from "#domain/tensor.ts";
import { numberOf } from "#graph/device/layers.ts";
import { type EngineParts, floats, whole32 } from "../engine-parts.ts";
import { takePositions } from "../passes/rows.ts";
import type { KeepOrder } from "../runtime/kept-tensors.ts";
import type { Runtime, Session, SessionInput } from "../runtime/runtime.ts";
import {
  filledUp,
  keptLength,
  type Place,
  paddedLength,
  surroundingTensors,
} from "./device-shapes.ts";
import type { DeviceSteps } from "./device-steps.ts";
import type { LayerGroup } from "./layer-groups.ts";

/** What a pass on a device works with. */
export interface DeviceParts extends EngineParts {
  readonly runtime: Runtime;
  readonly steps: DeviceSteps;
  readonly groups: readonly LayerGroup[];
}

/** Runs of one pass that have been asked for. */
export class PostedRuns {
  /** What the pass leaves with the device until it ends; no other pass has it. */
  readonly shelf: number;
  readonly #runs: Promise<unknown>[] = [];

  constructor(shelf: number) {
    this.shelf = shelf;
  }

  post<Result>(run: Promise<Result>): Promise<Result> {
    run.catch(() => undefined); // told by `settle`
    this.#runs.push(run);
    return run;
  }

  /** Waits for all. Rejects with what the first of them in their order failed of; what follows it failed for want of it. */
  async settle(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#runs);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

/** Layers that run over one window of a sequence of `size` positions. */
export interface DeviceSpan {
  /** The first layer, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Position of the window's first row in the sequence. */
  readonly first: number;
  readonly size: number;
  readonly branches: number;
  /** The window's vectors [B, M, D]; absent: those that the span before has left, in the same window. */
  readonly start?: Tensor;
  /** Whether the window is another than that of the span before, or there was none. */
  readonly isNewWindow: boolean;
  /** The kept positions before the window. Absent: there are none before it. */
  readonly sees?: Place;
  /** Where keys and values of the window's first positions are kept. */
  readonly keeps?: Place;
  /** The first position that is asked about. */
  readonly firstAsked: number;
}

/** Asks for the runs of a span. Its last layer's vectors are left as `hidden` on the pass's shelf. */
export async function postSpan(
  parts: DeviceParts,
  runs: PostedRuns,
  span: DeviceSpan,
  signal: AbortSignal,
): Promise<void> {
  const { shelf } = runs;
  const { first, size, start } = span;
  const padded = paddedLength(size - first);
  if (span.isNewWindow) postSurroundings(parts, runs, span, padded);
  const onDevice = { shelf, name: "hidden" };
  let hidden: SessionInput = start === undefined ? onDevice : filledUp(start);
  if (span.from === span.to && start !== undefined) {
    // A tower of one layer has no shallow ones; what enters the deep ones goes to the device all the same.
    const rows = whole32(Array.from({ length: padded }, (_, row) => row));
    runs.post(parts.steps.take.run({ x: hidden, rows }, [], { out: onDevice }));
  }
  for (const group of parts.groups) {
    if (group.from < span.from || group.to > span.to) continue;
    const session = await parts.sessions.layer(group.from, signal);
    signal.throwIfAborted();
    const endsTower = group.to === parts.architecture.language.layers;
    const inputs = {
      hidden,
      cosines: { shelf, name: "cosines" },
      sines: { shelf, name: "sines" },
      mask: { shelf, name: "mask" },
      ...contextsOf(span, group, shelf),
      kept: whole32([span.keeps === undefined ? padded : keptLength(span.keeps.length)]),
      ...(endsTower ? { start: whole32([-askingLength(span)]) } : {}),
    };
    const keep = { hiddenOut: onDevice, ...keepOrders(span, group) };
    const run = runs.post(session.run(inputs, observed(parts, group), keep));
    if (parts.isObserved) observeLayers(parts, group, await run, padded - (size - first));
    hidden = onDevice;
  }
}

/** Q: how many of a window's last positions leave the last layer. */
export function askingLength({
  size,
  first,
  firstAsked,
}: Pick<DeviceSpan, "size" | "first" | "firstAsked">): number {
  return paddedLength(paddedLength(size - first) - (firstAsked - first));
}

function postSurroundings(
  { steps, architecture }: DeviceParts,
  runs: PostedRuns,
  span: DeviceSpan,
  padded: number,
): void {
  const tensors = surroundingTensors(
    architecture.language,
    { ...span, padded, length: span.size - span.first },
    span.branches,
  );
  const keep = Object.keys(tensors).map((name) => [`${name}Out`, { shelf: runs.shelf, name }]);
  const column = tensor([1, 1, padded, 1], new Float32Array(padded));
  const inputs = steps.masksRows ? { ...tensors, column } : tensors;
  runs.post(steps.surroundings.run(inputs, [], Object.fromEntries(keep)));
}

function contextsOf(
  { sees }: DeviceSpan,
  { from, to }: LayerGroup,
  shelf: number,
): Readonly<Record<string, SessionInput>> {
  const inputs: Record<string, SessionInput> = {};
  for (let layer = from; layer < to; layer++) {
    const number = numberOf(layer - from);
    const named = (name: string): SessionInput =>
      sees === undefined
        ? { shelf, name: "nothing" }
        : { shelf: sees.shelf, name: `${name}${layer}` };
    inputs[`contextKeys${number}`] = named("keys");
    inputs[`contextValues${number}`] = named("values");
  }
  return inputs;
}

function keepOrders(
  { keeps }: DeviceSpan,
  { from, to }: LayerGroup,
): Readonly<Record<string, KeepOrder>> {
  const orders: Record<string, KeepOrder> = {};
  if (keeps === undefined) return orders;
  for (let layer = from; layer < to; layer++) {
    for (const name of ["keys", "values"]) {
      orders[`${name}${numberOf(layer - from)}`] = { shelf: keeps.shelf, name: `${name}${layer}` };
    }
  }
  return orders;
}

function observed({ isObserved }: DeviceParts, { from, to }: LayerGroup): readonly string[] {
  if (!isObserved) return [];
  return Array.from({ length: to - from }, (_, place) => `seen${numberOf(place)}`);
}

function observeLayers(
  parts: DeviceParts,
  { from, to }: LayerGroup,
  results: Awaited<ReturnType<Session["run"]>>,
  lacking: number,
): void {
  for (let layer = from; layer < to; layer++) {
    const seen = floats(results[`seen${numberOf(layer - from)}`]);
    const [, length = 0] = seen.shape;
    parts.observe(`hidden${layer + 1}`, takePositions(seen, 0, length - lacking));
  }
}
