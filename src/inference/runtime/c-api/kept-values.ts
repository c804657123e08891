import type { KeptName } from "#engine/runtime/kept-tensors.ts";
import type { Pointer } from "./function-table.ts";
import type { OrtApi } from "./ort-api.ts";

/**
 * What runs leave with the runtime, where its provider computes: with a GPU, keys and values of 1,000 positions of an 8B model, half a
 * gigabyte in float16, never cross to the host.
 */
export class KeptValues {
  readonly #api: OrtApi;
  readonly #shelves = new Map<number, Map<string, Pointer>>();

  constructor(api: OrtApi) {
    this.#api = api;
  }

  /** Throws an Error where nothing of that name is kept. */
  take({ shelf, name }: KeptName): Pointer {
    const found = this.#shelves.get(shelf)?.get(name);
    if (found === undefined) throw new Error(`nothing is kept as ${name} on shelf ${shelf}`);
    return found;
  }

  /** Takes a value over, and lets go of what was kept under its name before. */
  put({ shelf, name }: KeptName, value: Pointer): void {
    const values = this.#shelves.get(shelf) ?? new Map<string, Pointer>();
    this.#shelves.set(shelf, values);
    const before = values.get(name);
    values.set(name, value);
    if (before !== undefined) this.#api.release("Value", before);
  }

  clear(shelf: number): void {
    for (const value of this.#shelves.get(shelf)?.values() ?? []) this.#api.release("Value", value);
    this.#shelves.delete(shelf);
  }

  clearAll(): void {
    for (const shelf of [...this.#shelves.keys()]) this.clear(shelf);
  }
}
