import { test } from "vitest";
import { convTower, expectReferenceTokens } from "./reference-tokens.ts";

// A tower of patches, and WebGPU: engine.full.test.ts. On a GPU of the CPU's an engine takes half a minute; `npm test` has the graphs of WebGPU
// in test/webgpu.

test("in a browser the graphs of wasm give the reference's tokens, from a picture's pixels to the last of them", async () => {
  await expectReferenceTokens({ provider: "wasm", ...convTower });
});
