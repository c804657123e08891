import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine } from "../engine.ts";
import { IMAGE_SLOT } from "./prompt.ts";

/** Counts the positions of a prompt whose pictures take so many vectors each, in the order of their slots. */
export function promptLength(ids: readonly number[], imageVectors: readonly number[]): number {
  const slots = ids.filter((id) => id === IMAGE_SLOT).length;
  return ids.length - slots + imageVectors.slice(0, slots).reduce((sum, count) => sum + count, 0);
}

/**
 * Lays out a prompt's vectors [p, D]: embedding rows for ids, each slot replaced by the next picture's vectors [count, D].
 * At most `limit` positions; what is longer is cut off behind, as the reference does. A service refuses before that.
 * More slots than pictures is a RangeError; pictures without a slot are left out.
 *
 * Source: `prepare_inputs_labels_for_multimodal` in llava_arch.py.
 */
export async function embedPrompt(
  engine: Engine,
  ids: readonly number[],
  images: readonly Tensor[],
  limit: number,
  signal: AbortSignal,
): Promise<Tensor> {
  const textIds = ids.filter((id) => id !== IMAGE_SLOT);
  const text = await engine.embedTokens(textIds, signal);
  const width = engine.architecture.language.hiddenSize;
  const counts = images.map(({ shape: [count = 0] }) => count);
  const length = promptLength(ids, counts);
  const vectors = new Float32Array(length * width);
  let offset = 0;
  let nextText = 0;
  let nextImage = 0;
  for (const id of ids) {
    const piece =
      id === IMAGE_SLOT
        ? imageAt(images, nextImage++)
        : text.data.subarray(nextText * width, ++nextText * width);
    vectors.set(piece, offset);
    offset += piece.length;
  }
  const kept = Math.min(length, limit);
  return tensor([kept, width], vectors.subarray(0, kept * width)); // [p, D]
}

function imageAt(images: readonly Tensor[], index: number): Float32Array {
  const image = images[index];
  if (image === undefined) {
    throw new RangeError(`the prompt has a place for picture ${index + 1} of ${images.length}`);
  }
  return image.data;
}
