import { readFileSync } from "node:fs";
import type { LayerBinaries } from "#engine/wasm-layer/kernel.ts";

/** Both builds of the layer's kernels, as `wasm/build.ts` made them. */
export function layerBinaries(): LayerBinaries {
  const read = (name: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(readFileSync(new URL(`../../wasm/${name}.wasm`, import.meta.url)));
  return { relaxed: read("layer"), plain: read("layer-plain") };
}
