import type { StageLayout } from "#domain/bundle.ts";
import { createGraph } from "./build.ts";
import { linear } from "./linear.ts";
import type { OpProfile } from "./profile.ts";

/** Inputs of each sum in the probe: more than one vector register's worth, so that no kernel's remainder loop does the work. */
export const PROBE_WIDTH = 128;

const layout: StageLayout = {
  name: "probe",
  bytes: PROBE_WIDTH ** 2 + PROBE_WIDTH * 4,
  shards: [],
  tensors: [
    {
      name: "probe.weight",
      shape: [PROBE_WIDTH, PROBE_WIDTH],
      encoding: "w8",
      data: { offset: 0, bytes: PROBE_WIDTH ** 2 },
      scales: { offset: PROBE_WIDTH ** 2, bytes: PROBE_WIDTH * 4 },
    },
  ],
};

/**
 * A product of the largest 8-bit numbers: x [1, PROBE_WIDTH] of ones gives y = PROBE_WIDTH · 127 in every column, unless the
 * kernel keeps sums in too few bits.
 */
export function saturationProbeGraph(profile: OpProfile): Uint8Array<ArrayBuffer> {
  const graph = createGraph("saturation-probe");
  const x = graph.input("x", "FLOAT", [1, PROBE_WIDTH]);
  const y = linear({ graph, stage: layout, profile }, x, "probe");
  graph.output("y", y, "FLOAT", [1, PROBE_WIDTH]);
  return graph.toBytes();
}

/** The bytes of the probe's stage: weights of 127 everywhere and scales of one. A new buffer each time, for the runtime to keep. */
export function probeBytes(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.bytes).fill(127, 0, PROBE_WIDTH ** 2);
  new Float32Array(bytes.buffer, PROBE_WIDTH ** 2).fill(1);
  return bytes;
}
