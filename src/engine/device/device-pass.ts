import type { ForwardPass, Predictions } from "#model/engine.ts";
import { whole32 } from "../engine-parts.ts";
import { branches } from "../passes/denoise.ts";
import { checkForwardPass } from "../passes/forward-pass.ts";
import { firstDeepLayer, KeptPrefix } from "../passes/kept-prefix.ts";
import { takePositions } from "../passes/rows.ts";
import { askingLength, type DeviceParts, PostedRuns, postSpan } from "./device-layers.ts";
import { predictOnDevice } from "./device-predict.ts";
import { keptLength, type Place, paddedLength } from "./device-shapes.ts";

/**
 * `denoise` where hidden vectors, keys and values stay with the device: what is new of the sequence goes there, and six numbers of each
 * asked row come back, with what is asked for by name or rank. All runs of a pass are asked for one behind another without waiting for any but the last, so that the
 * device never waits for this process.
 * @param shelf nobody else's, for what the pass leaves until it ends
 */
export async function denoiseOnDevice(
  parts: DeviceParts,
  pass: ForwardPass,
  shelf: number,
  signal: AbortSignal,
): Promise<Predictions> {
  checkForwardPass(parts.architecture, pass);
  const runs = new PostedRuns(shelf);
  try {
    return await runPass(parts, runs, pass, signal);
  } finally {
    await Promise.allSettled([runs.settle()]);
    // Where that fails the runtime has broken down, and its memory with it.
    await parts.runtime.clear(shelf).catch(() => undefined);
  }
}

async function runPass(
  parts: DeviceParts,
  runs: PostedRuns,
  pass: ForwardPass,
  signal: AbortSignal,
): Promise<Predictions> {
  const { layers } = parts.architecture.language;
  const whole = branches(pass); // [B, S, D]
  const [branchCount = 1, size = 0] = whole.shape;
  const [firstAsked = 0] = pass.rows;
  const common = { size, branches: branchCount, firstAsked };
  type Part = Omit<Parameters<typeof postSpan>[2], keyof typeof common>;
  const run = (part: Part) => postSpan(parts, runs, { ...common, ...part }, signal);
  const head = (first: number): Promise<Predictions> => {
    const firstLeft = first + paddedLength(size - first) - askingLength({ ...common, first });
    return predictOnDevice(parts, runs, pass, firstLeft, signal);
  };
  const { prefix } = pass;
  if (prefix === undefined) {
    await run({ from: 0, to: layers, first: 0, start: whole, isNewWindow: true });
    return await head(0);
  }
  if (!(prefix.kept instanceof KeptPrefix)) throw new TypeError("the prefix is another engine's");
  const { kept, length, refresh } = prefix;
  const place: Place = { shelf: kept.shelf, length };
  const window = { first: length, isNewWindow: true, sees: place } as const;
  if (refresh !== "whole") kept.filling(length, branchCount);
  const start = refresh === "whole" ? whole : takePositions(whole, length, size);
  if (refresh === "none") {
    await run({ from: 0, to: layers, start, ...window });
    return await head(length);
  }
  const deep = firstDeepLayer(parts.architecture.language);
  return await kept.fill(async () => {
    const isWhole = refresh === "whole";
    const shallow = isWhole ? { first: 0, isNewWindow: true, keeps: place } : window;
    await run({ from: 0, to: deep, start, ...shallow });
    if (isWhole) keepMiddle(parts, runs, place);
    else joinMiddle(parts, runs, place, size);
    await run({ from: deep, to: layers, first: 0, isNewWindow: !isWhole, keeps: place });
    return { filling: { length, branches: branchCount }, result: await head(0) };
  });
}

/** Keeps what enters the deep layers of the prefix. */
function keepMiddle({ steps }: DeviceParts, runs: PostedRuns, { shelf, length }: Place): void {
  const rows = whole32(Array.from({ length: keptLength(length) }, (_, row) => row));
  const x = { shelf: runs.shelf, name: "hidden" };
  runs.post(steps.take.run({ x, rows }, [], { out: { shelf, name: "middle" } }));
}

/** Sets the window behind what is kept of the prefix, and fills it up. */
function joinMiddle(
  { steps }: DeviceParts,
  runs: PostedRuns,
  { shelf, length }: Place,
  size: number,
): void {
  const positions = Array.from({ length: paddedLength(size) }, (_, row) => row % size);
  const rows = positions.map((row) => (row < length ? row : row - length + keptLength(length)));
  const hidden = { shelf: runs.shelf, name: "hidden" };
  const inputs = { before: { shelf, name: "middle" }, x: hidden, rows: whole32(rows) };
  runs.post(steps.join.run(inputs, [], { out: hidden }));
}
