import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine } from "../engine.ts";

/** A prompt and the canvas behind it while it is read. What is pinned or written stands there as if the model had. */
export interface ReadCanvas {
  /** Vectors of all positions [p + L, D]. */
  readonly embeddingsSD: Tensor;
  /** p */
  readonly promptLength: number;
  /** Tokens of the canvas [L]; the mask where something is read or still to be written. */
  readonly ids: Int32Array;
}

/** Lays a canvas's ids behind a prompt's vectors [p, D]. */
export async function openReadCanvas(
  engine: Engine,
  promptPD: Tensor,
  ids: readonly number[],
  signal: AbortSignal,
): Promise<ReadCanvas> {
  const [promptLength = 0, width = 0] = promptPD.shape;
  const { data } = await engine.embedTokens(ids, signal);
  const vectors = new Float32Array((promptLength + ids.length) * width);
  vectors.set(promptPD.data);
  vectors.set(data, promptLength * width);
  return {
    embeddingsSD: tensor([promptLength + ids.length, width], vectors),
    promptLength,
    ids: Int32Array.from(ids),
  };
}

/** A token at a position of a canvas. */
export interface Written {
  readonly at: number;
  readonly token: number;
}

/** Writes tokens, where later passes see them. */
export async function writeTokens(
  engine: Engine,
  { embeddingsSD, promptLength, ids }: ReadCanvas,
  written: readonly Written[],
  signal: AbortSignal,
): Promise<void> {
  if (written.length === 0) return;
  const tokens = written.map(({ token }) => token);
  const { data } = await engine.embedTokens(tokens, signal);
  const width = data.length / written.length;
  for (const [index, { at, token }] of written.entries()) {
    const row = data.subarray(index * width, (index + 1) * width);
    embeddingsSD.data.set(row, (promptLength + at) * width);
    ids[at] = token;
  }
}
