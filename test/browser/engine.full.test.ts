import { test } from "vitest";
import { expectReferenceTokens, hasAdapter, patchTower } from "./reference-tokens.ts";

// A tower of convolutions is tried on WebGPU in test/webgpu: software Vulkan takes half a minute for it here.

test.for(["wasm", "webgpu"] as const)(
  "in a browser the graphs of %s, with a tower of patches, give the reference's tokens, from a picture's pixels to the last of them",
  async (provider, { skip }) => {
    skip(provider === "webgpu" && !(await hasAdapter()), "this browser has no WebGPU adapter");
    await expectReferenceTokens({ provider, ...patchTower });
  },
);
