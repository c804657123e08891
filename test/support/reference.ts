import { readFileSync } from "node:fs";
import type { Picture } from "#domain/tensor.ts";
import { readTensorFile, type StoredArray } from "./tensor-file.ts";

const folder = new URL("../fixtures/reference/", import.meta.url);

/** Parses one table of the reference vectors: `pure/anyres_sizes.json`. */
export function referenceTable<Table>(name: string): Table {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8"));
}

/** Opens one file of reference arrays; asking for a name that is not there is an error. */
export function referenceArrays(name: string): {
  readonly names: string[];
  readonly get: (array: string) => StoredArray;
} {
  const arrays = readTensorFile(readFileSync(new URL(name, folder)));
  return {
    names: [...arrays.keys()],
    get(array) {
      const found = arrays.get(array);
      if (found === undefined) throw new Error(`${name} has no array called ${array}`);
      return found;
    },
  };
}

/** A U8 array [H, W, 3] as a picture. */
export function pictureOf({ shape, data }: StoredArray): Picture {
  const [height = 0, width = 0] = shape;
  return { width, height, pixelsHWC: Uint8Array.from(data) };
}
