import type { LanguageTower } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { rotationTables } from "#graph/rotary.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { type EngineParts, floats, SEQUENCES_AT_ONCE } from "../engine-parts.ts";
import type { KeepOrder } from "../runtime/kept-tensors.ts";
import type { SessionInput } from "../runtime/runtime.ts";
import { checkForwardPass } from "./forward-pass.ts";
import { firstDeepLayer, KeptPrefix } from "./kept-prefix.ts";
import { predict } from "./predict.ts";
import { fullRows, joinPositions, takePositions } from "./rows.ts";

/** Runs the layers over the sequence, or over what is new of it, and the head over the asked rows; see `Engine.denoise`. */
export async function denoise(
  parts: EngineParts,
  pass: ForwardPass,
  signal: AbortSignal,
): Promise<Predictions> {
  checkForwardPass(parts.architecture, pass);
  const { language } = parts.architecture;
  const all = language.layers;
  const hidden = branches(pass); // [B, S, D]
  const run = (span: Span, from: Tensor) => runLayers(parts, span, from, pass, signal);
  if (pass.prefix === undefined) {
    return await predict(parts, pass, await run({ from: 0, to: all, first: 0 }, hidden), signal);
  }
  const { kept, length, refresh } = pass.prefix;
  if (!(kept instanceof KeptPrefix)) throw new TypeError("the prefix is another engine's");
  const [branchCount = 1, size = 0] = hidden.shape;
  const place: Place = { shelf: kept.shelf, length };
  const before = refresh === "whole" ? undefined : kept.filling(length, branchCount);
  const window = takePositions(hidden, length, size); // [B, M, D]
  if (refresh === "none") {
    const last = await run({ from: 0, to: all, first: length, sees: place }, window);
    return await predict(parts, pass, last, signal);
  }
  const deep = firstDeepLayer(language);
  return await kept.fill(async () => {
    const middle =
      before?.deepHidden === undefined
        ? await run({ from: 0, to: deep, first: 0, keeps: place }, hidden)
        : joinPositions(
            before.deepHidden,
            await run({ from: 0, to: deep, first: length, sees: place }, window),
          );
    const last = await run({ from: deep, to: all, first: 0, keeps: place }, middle);
    const deepHidden = before?.deepHidden ?? takePositions(middle, 0, length);
    const filling = { length, branches: branchCount, deepHidden };
    return { filling, result: await predict(parts, pass, last, signal) };
  });
}

/** With guidance the two sequences run as one batch: the weights, which are most of what is read, are then read once. */
export function branches({ embeddingsSD, guidance }: ForwardPass): Tensor {
  if (guidance === undefined) return tensor([1, ...embeddingsSD.shape], embeddingsSD.data);
  const both = new Float32Array(2 * embeddingsSD.data.length);
  both.set(embeddingsSD.data);
  both.set(guidance.unconditionalSD.data, embeddingsSD.data.length);
  return tensor([2, ...embeddingsSD.shape], both);
}

/** Where a prefix lies. */
export interface Place {
  readonly shelf: number;
  /** C, its positions. */
  readonly length: number;
}

/** Layers that run over one window. */
interface Span {
  /** The first layer, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Position of the window's first row in the sequence. */
  readonly first: number;
  /** The kept positions before the window. Absent: there are none before it. */
  readonly sees?: Place;
  /** Where keys and values of the window's first positions are kept. */
  readonly keeps?: Place;
}

/**
 * Runs a span over hidden vectors [B, M, D]. Of the last layer only the positions from the first asked one on come out, as they
 * are the last of the sequence.
 */
async function runLayers(
  parts: EngineParts,
  span: Span,
  rows: Tensor,
  { rows: [firstAsked = 0] }: ForwardPass,
  signal: AbortSignal,
): Promise<Tensor> {
  const { language } = parts.architecture;
  const [branchCount = 1, length = 0] = rows.shape;
  const lacking = fullRows(length) - length;
  let hidden = filledUp(rows);
  const [, padded = 0] = hidden.shape;
  const surroundings = surroundingsOf(language, span, length, hidden);
  const asking = fullRows(padded - (firstAsked - span.first));
  for (let layer = span.from; layer < span.to; layer++) {
    const session = await parts.sessions.layer(layer, signal);
    signal.throwIfAborted();
    const isLast = layer === language.layers - 1;
    const inputs = {
      hidden,
      ...surroundings,
      ...contextOf(language, span, layer, hidden),
      ...absentSequences(language, 1, branchCount),
      ...(isLast ? anglesOfLast(surroundings, asking) : {}),
    };
    const result = await session.run(inputs, ["hiddenOut"], keepOrders(span, layer));
    hidden = floats(result["hiddenOut"]);
    parts.observe(`hidden${layer + 1}`, withoutLast(hidden, lacking));
  }
  return withoutLast(hidden, lacking);
}

/** A window whose number of positions is full: its first ones stand in for those that lack. */
export function filledUp(rows: Tensor): Tensor {
  const [, length = 0] = rows.shape;
  const lacking = fullRows(length) - length;
  return lacking === 0 ? rows : joinPositions(rows, takePositions(rows, 0, lacking));
}

/** Leaves out the last positions of every branch, which only filled up. */
function withoutLast(hidden: Tensor, count: number): Tensor {
  const [, length = 0] = hidden.shape;
  return takePositions(hidden, 0, length - count);
}

/** What all layers of a span see beside the hidden vectors. */
export type Surroundings = Readonly<Record<"cosines" | "sines" | "mask", Tensor>>;

export function surroundingsOf(
  language: LanguageTower,
  span: Pick<Span, "first" | "sees">,
  length: number,
  hidden: Tensor,
): Surroundings {
  const [, padded = 0] = hidden.shape;
  const { headSize } = language;
  const { cosines, sines } = rotationTables(language, span.first, padded);
  const context = span.sees?.length ?? 0;
  const mask = new Float32Array(context + padded);
  mask.fill(Number.NEGATIVE_INFINITY, context + length); // nobody sees the row that only fills up
  return {
    cosines: tensor([1, padded, headSize / 2], cosines),
    sines: tensor([1, padded, headSize / 2], sines),
    mask: tensor([1, 1, 1, context + padded], mask),
  };
}

/** The angles of the last `asking` positions. */
function anglesOfLast(
  { cosines, sines }: Readonly<Record<"cosines" | "sines", Tensor>>,
  asking: number,
): Readonly<Record<string, Tensor>> {
  const [, length = 0] = cosines.shape;
  return {
    queryCosines: takePositions(cosines, length - asking, length),
    querySines: takePositions(sines, length - asking, length),
  };
}

/** The kept positions that a layer sees before its window. */
export function contextOf(
  tower: LanguageTower,
  { sees }: Pick<Span, "sees">,
  layer: number,
  { shape: [branchCount = 1] }: Tensor,
): Readonly<Record<"contextKeys" | "contextValues", SessionInput>> {
  if (sees !== undefined) {
    return {
      contextKeys: { shelf: sees.shelf, name: `keys${layer}` },
      contextValues: { shelf: sees.shelf, name: `values${layer}` },
    };
  }
  const nothing = noContext(tower, branchCount);
  return { contextKeys: nothing, contextValues: nothing };
}

/** What a layer is given for the sequences from the one numbered `from` on, which are not there. */
export function absentSequences(
  tower: LanguageTower,
  from: number,
  branchCount = 1,
): Readonly<Record<string, Tensor>> {
  const nothing = noContext(tower, branchCount);
  const inputs: Record<string, Tensor> = {};
  for (let number = from; number < SEQUENCES_AT_ONCE; number++) {
    inputs[`contextKeys${number}`] = nothing;
    inputs[`contextValues${number}`] = nothing;
    inputs[`mask${number}`] = tensor([1, 1, 1, 0], new Float32Array(0));
  }
  return inputs;
}

function noContext({ keyValueHeads, headSize }: LanguageTower, branchCount: number): Tensor {
  return tensor([branchCount, keyValueHeads, 0, headSize], new Float32Array(0));
}

function keepOrders(
  { keeps }: Span,
  layer: number,
): Readonly<Record<string, KeepOrder>> | undefined {
  if (keeps === undefined) return undefined;
  const { shelf, length: positions } = keeps;
  return {
    keys: { shelf, name: `keys${layer}`, positions },
    values: { shelf, name: `values${layer}`, positions },
  };
}
