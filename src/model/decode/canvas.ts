import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine } from "../engine.ts";
import type { DecodePolicy } from "./policy.ts";

/**
 * The sequence while it is being written: prompt, canvas, suffix. Decoding changes it in place between two steps only,
 * so whoever holds it has the best answer so far at any time.
 */
export interface Canvas {
  /** Positions before the canvas. */
  readonly promptLength: number;
  /** L, positions to fill. */
  readonly length: number;
  readonly suffix: readonly number[];
  readonly maskToken: number;
  /** Vector of the mask [D]. */
  readonly maskRow: Float32Array;
  /** Vectors of all positions [S, D]. */
  readonly embeddingsSD: Tensor;
  /** 1 where a position is still to be written [S]. */
  readonly masked: Uint8Array;
  /** Tokens of the canvas [L]; the mask where nothing is written. */
  readonly tokens: Int32Array;
  /** Canvas position from which on nothing is written any more; undefined where no end was found. */
  stopAt: number | undefined;
}

/** Lays out a fresh canvas of `length` masks behind the prompt's vectors [p, D] and before the fixed suffix. */
export async function openCanvas(
  engine: Engine,
  promptPD: Tensor,
  length: number,
  suffix: readonly number[],
  policy: DecodePolicy,
  signal: AbortSignal,
): Promise<Canvas> {
  const maskToken = engine.architecture.special.mask;
  const [promptLength = 0, width = 0] = promptPD.shape;
  const { data: fixedRows } = await engine.embedTokens([maskToken, ...suffix], signal);
  const maskRow = fixedRows.slice(0, width);
  const size = promptLength + length + suffix.length;
  const embeddings = new Float32Array(size * width);
  embeddings.set(promptPD.data);
  for (let index = 0; index < length; index++) {
    embeddings.set(maskRow, (promptLength + index) * width);
  }
  embeddings.set(fixedRows.subarray(width), (promptLength + length) * width);
  const masked = new Uint8Array(size).fill(1, promptLength, promptLength + length);
  for (let position = 0; policy.masksByValue && position < promptLength; position++) {
    masked[position] = isMask(embeddings, position * width, maskRow) ? 1 : 0;
  }
  return {
    promptLength,
    length,
    suffix,
    maskToken,
    maskRow,
    embeddingsSD: tensor([size, width], embeddings), // [S, D]
    masked,
    tokens: new Int32Array(length).fill(maskToken),
    stopAt: undefined,
  };
}

/** Writes a token and its vector [D] at a position of the sequence. */
export function write(
  canvas: Canvas,
  position: number,
  token: number,
  row: Float32Array,
  policy: DecodePolicy,
): void {
  canvas.embeddingsSD.data.set(row, position * canvas.maskRow.length);
  canvas.masked[position] = policy.masksByValue && isMask(row, 0, canvas.maskRow) ? 1 : 0;
  if (position >= canvas.promptLength) canvas.tokens[position - canvas.promptLength] = token;
}

/**
 * Returns the canvas as it reads with guesses at its masked positions, leaving the canvas itself as it is. Vectors are not
 * filled in: it is for reading, not for another pass.
 */
export function withGuesses(
  canvas: Canvas,
  guesses: readonly { readonly position: number; readonly token: number }[],
): Canvas {
  const filled = { ...canvas, tokens: canvas.tokens.slice(), masked: canvas.masked.slice() };
  for (const { position, token } of guesses) {
    if (position < 0 || filled.masked[canvas.promptLength + position] !== 1) continue;
    filled.tokens[position] = token;
    filled.masked[canvas.promptLength + position] = 0;
  }
  return filled;
}

/** Lists the masked positions of the sequence in `from` … `to` − 1, ascending. */
export function maskedPositions(canvas: Canvas, from: number, to: number): number[] {
  const positions: number[] = [];
  for (let position = from; position < to; position++) {
    if (canvas.masked[position] === 1) positions.push(position);
  }
  return positions;
}

/** Says whether any position of the sequence in `from` … `to` − 1 is masked. */
export function hasMask(canvas: Canvas, from: number, to: number): boolean {
  const next = canvas.masked.indexOf(1, from);
  return next !== -1 && next < to;
}

/** Returns what the reference returns: the canvas up to the stop, then the suffix. The mask stands where nothing is written yet. */
export function answerTokens(canvas: Canvas): number[] {
  return [...canvas.tokens.subarray(0, canvas.stopAt ?? canvas.length), ...canvas.suffix];
}

/** Largest difference in any coordinate at which a vector counts as the mask's. Source: generate_with_embeds. */
const MASK_TOLERANCE = 1e-5;

function isMask(rows: Float32Array, start: number, maskRow: Float32Array): boolean {
  return maskRow.every(
    (value, index) => Math.abs(Math.fround(rows[start + index]! - value)) < MASK_TOLERANCE,
  );
}
