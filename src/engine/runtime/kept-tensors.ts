import { tensor } from "#domain/tensor.ts";
import type { SessionTensor } from "./runtime.ts";

/** Names a tensor that a runtime has kept. */
export interface KeptName {
  /** Whose it is: a shelf is cleared as a whole. */
  readonly shelf: number;
  readonly name: string;
}

/** Under which name an output is to be kept, and how many of its first positions. */
export interface KeepOrder extends KeptName {
  /** At most M of an output [B, G, M, d]; absent: the output as it is, of any shape. */
  readonly positions?: number;
}

/**
 * What runs leave with their runtime, beside its sessions: keys and values of 1,000 positions of an 8B model in float32 are
 * 1.05 GB (32 layers · 2 · 4096 · 4 bytes a position), which must not go from thread to thread at every step. Float32 and
 * not float16, so that a prefix computed a moment ago is what a whole pass would have seen, bit for bit.
 */
export class KeptTensors {
  readonly #shelves = new Map<number, Map<string, SessionTensor>>();

  /** Throws an Error where nothing of that name is kept. */
  take({ shelf, name }: KeptName): SessionTensor {
    const found = this.#shelves.get(shelf)?.get(name);
    if (found === undefined) throw new Error(`nothing is kept as ${name} on shelf ${shelf}`);
    return found;
  }

  /** Keeps the first positions of an output, in the memory of what was kept under its name before where the shape is the same. */
  put({ shelf, name, positions }: KeepOrder, { shape, data }: SessionTensor): void {
    const tensors = this.#shelves.get(shelf) ?? new Map<string, SessionTensor>();
    this.#shelves.set(shelf, tensors);
    if (positions === undefined) {
      tensors.set(name, { shape, data });
      return;
    }
    const [batch = 1, groups = 1, length = 0, size = 1] = shape;
    const kept = [batch, groups, positions, size];
    const before = tensors.get(name);
    const values =
      before?.shape.join() === kept.join() && before.data instanceof Float32Array
        ? before.data
        : new Float32Array(batch * groups * positions * size);
    const [from, to] = [length * size, positions * size];
    if (!(data instanceof Float32Array)) throw new Error(`${name} is kept in parts of no float32`);
    for (let group = 0; group < batch * groups; group++) {
      const start = group * from;
      values.set(data.subarray(start, start + to), group * to);
    }
    tensors.set(name, tensor(kept, values)); // [B, G, C, d]
  }

  clear(shelf: number): void {
    this.#shelves.delete(shelf);
  }
}
