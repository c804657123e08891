import type { LanguageTower } from "#domain/architecture.ts";
import { createGraph } from "../build.ts";

// Graphs without weights, for what a pass does between its layers with vectors that stay with the device.

/**
 * Brings what all layers of a pass see beside the hidden vectors to the device, once for all of them.
 *
 *   in   cosines, sines [B, M, d/2] · mask [1, 1, 1, S] · nothing [B, G, C, d], a context for layers that have none
 *   out  the same, as cosinesOut and so on
 */
export function surroundingsGraph({
  headSize,
  keyValueHeads,
}: LanguageTower): Uint8Array<ArrayBuffer> {
  const graph = createGraph("surroundings");
  const tables = ["B", "M", headSize / 2];
  const nothing = ["B", keyValueHeads, "C", headSize];
  const shapes = { cosines: tables, sines: tables, mask: [1, 1, 1, "S"], nothing };
  for (const [name, shape] of Object.entries(shapes)) {
    graph.output(`${name}Out`, graph.input(name, "FLOAT", shape), "FLOAT", shape);
  }
  return graph.toBytes();
}

/** Takes positions of vectors: x [B, M, D] and rows [R] int32 → out [B, R, D]. */
export function takeGraph({ hiddenSize }: LanguageTower): Uint8Array<ArrayBuffer> {
  const graph = createGraph("take");
  const x = graph.input("x", "FLOAT", ["B", "M", hiddenSize]);
  const rows = graph.input("rows", "INT32", ["R"]);
  const taken = graph.node("Gather", [x, rows], { attributes: { axis: 1 } });
  graph.output("out", taken, "FLOAT", ["B", "R", hiddenSize]);
  return graph.toBytes();
}

/** Takes positions of vectors that stand behind one another: before [B, C, D], x [B, M, D], rows [R] int32 → out [B, R, D]. */
export function joinGraph({ hiddenSize }: LanguageTower): Uint8Array<ArrayBuffer> {
  const graph = createGraph("join");
  const before = graph.input("before", "FLOAT", ["B", "C", hiddenSize]);
  const x = graph.input("x", "FLOAT", ["B", "M", hiddenSize]);
  const rows = graph.input("rows", "INT32", ["R"]);
  const all = graph.node("Concat", [before, x], { attributes: { axis: 1 } });
  const taken = graph.node("Gather", [all, rows], { attributes: { axis: 1 } });
  graph.output("out", taken, "FLOAT", ["B", "R", hiddenSize]);
  return graph.toBytes();
}
