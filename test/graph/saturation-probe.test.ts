import { expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { opProfiles } from "#graph/profile.ts";
import { PROBE_WIDTH, probeBytes, saturationProbeGraph } from "#graph/saturation-probe.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";

test.each(["cpu", "wasm"] as const)(
  "unsigned int8 weights give the largest sums exactly on %s",
  async (provider) => {
    const runtime = await loadRuntime(provider, 1);
    const model = saturationProbeGraph({ ...opProfiles[provider], int8Weights: "unsigned" });
    const session = await runtime.createSession("probe", model, probeBytes());
    const ones = new Float32Array(PROBE_WIDTH).fill(1);
    const { y } = await session.run({ x: tensor([1, PROBE_WIDTH], ones) }, ["y"]);
    await session.release();
    expect([...(y?.data ?? [])].map(Math.round)).toEqual(
      Array(PROBE_WIDTH).fill(PROBE_WIDTH * 127),
    );
  },
);
