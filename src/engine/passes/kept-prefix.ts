import type { LanguageTower } from "#domain/architecture.ts";
import type { Tensor } from "#domain/tensor.ts";
import type { Prefix } from "#model/engine.ts";

/** What the layers left of a prefix: keys and values with the runtime, and its hidden vectors half-way up. */
export interface Filling {
  readonly length: number;
  /** Sequences that run as one batch: 2 with guidance. */
  readonly branches: number;
  /** What enters the first of the deep layers, [B, C, D]; absent where it stays with a device. */
  readonly deepHidden?: Tensor;
}

/** The engine's side of a `Prefix`. */
export class KeptPrefix implements Prefix {
  /** Where the runtime keeps its tensors; no two prefixes of an engine share one. */
  readonly shelf: number;
  readonly #clear: () => void;
  #filling: Filling | undefined;
  #isReleased = false;

  /** `clear` frees the shelf once no pass is running; it is called once. */
  constructor(shelf: number, clear: () => void) {
    this.shelf = shelf;
    this.#clear = clear;
  }

  get length(): number {
    return this.#filling?.length ?? 0;
  }

  /** Returns what is kept. Throws RangeError where that is not of so many positions and branches: a bug of the caller. */
  filling(length: number, branches: number): Filling {
    const filling = this.#filling;
    if (filling?.length === length && filling.branches === branches) return filling;
    throw new RangeError(
      `the prefix keeps ${this.length} positions of ${filling?.branches ?? 0} sequences, not ${length} of ${branches}`,
    );
  }

  /**
   * Fills it by a pass, of which it keeps nothing if it breaks off: keys of one pass and values of another are no prefix.
   * Throws RangeError after `release`.
   */
  async fill<Result>(
    pass: () => Promise<{ readonly filling: Filling; readonly result: Result }>,
  ): Promise<Result> {
    if (this.#isReleased) throw new RangeError("the prefix has been released");
    this.#filling = undefined;
    const { filling, result } = await pass();
    if (!this.#isReleased) this.#filling = filling;
    return result;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#filling = undefined;
    this.#clear();
  }
}

/** The first layer of the second half: where a `deep` pass begins to compute the prefix anew. */
export function firstDeepLayer({ layers }: Pick<LanguageTower, "layers">): number {
  return Math.floor(layers / 2);
}

/** Bytes that a prefix takes for each position of each branch: 1.065 MB for the 8B checkpoint, of which the keys and values are all but 16 KB. */
export function prefixBytesPerPosition(tower: LanguageTower): number {
  const { layers, keyValueHeads, headSize, hiddenSize } = tower;
  return Float32Array.BYTES_PER_ELEMENT * (2 * layers * keyValueHeads * headSize + hiddenSize);
}
