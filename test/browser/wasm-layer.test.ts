import { describe, expect, test } from "vitest";
import { compileLayerKernel } from "#engine/wasm-layer/kernel.ts";
import { faultOf } from "#engine/wasm-layer/self-test.ts";
import relaxedUrl from "../../wasm/layer.wasm?url";
import plainUrl from "../../wasm/layer-plain.wasm?url";
import { LAYER_DIGESTS, layerDigest } from "../support/layer-digest.ts";

const binaries = { relaxed: await bytesAt(relaxedUrl), plain: await bytesAt(plainUrl) };

describe.each(["relaxed", "plain"] as const)("in a browser our own layer, %s SIMD", (form) => {
  const module = compileLayerKernel({ relaxed: binaries[form], plain: binaries[form] });

  test("has kernels with their twins' bits, and is near to the plain forward", async () => {
    expect(await faultOf(module)).toBeUndefined();
  });

  test.each(["q4", "w8"] as const)(
    "has the bits that it has in Node, %s weights",
    async (encoding) => {
      expect(await layerDigest(module, encoding)).toBe(LAYER_DIGESTS[encoding]);
    },
  );
});

async function bytesAt(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
