import type { Architecture } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { SessionTensor } from "./runtime/runtime.ts";
import type { Sessions } from "./stages/sessions.ts";

/**
 * Sees tensors from inside a pass: `embeddings`, `layer0` … and `features` of each view, `hidden1` … [B, S, D] after each layer, then
 * `normed` [B, R, D] and `logits` [R, V] (before suppression) of the asked rows, in several parts if there are many.
 */
export type Observer = (name: string, value: Tensor) => void;

/** Sequences whose rows one run of a layer can take, each with its own context: as many answers as run at once by default. */
export const SEQUENCES_AT_ONCE = 4;

/** What the two passes of an engine work with. */
export interface EngineParts {
  readonly architecture: Architecture;
  readonly sessions: Sessions;
  readonly observe: Observer;
  readonly isObserved: boolean;
}

/** Whole numbers that a graph is told: places, lengths. */
export function whole32(values: readonly number[]): SessionTensor {
  return { shape: [values.length], data: Int32Array.from(values) };
}

/** Takes a session's result that must be float32. */
export function floats(result: SessionTensor | undefined): Tensor {
  if (!(result?.data instanceof Float32Array))
    throw new Error("a session yielded no float32 tensor");
  return tensor(result.shape, result.data);
}
