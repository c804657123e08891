import type { LanguageTower } from "#domain/architecture.ts";
import { createGraph } from "../build.ts";
import type { OpProfile } from "../profile.ts";
import { isFused } from "./layers.ts";

// Graphs without weights, for what a pass does between its layers with vectors that stay with the device.

/**
 * Brings what all layers of a pass see beside the hidden vectors to the device, once for all of them.
 *
 *   in   cosines, sines [B, M, d/2] · mask [1, 1, 1, S] · nothing [B, G, C, d], a context for layers that have none
 *        column [1, 1, M, 1] of zeros, where each row wants a mask of its own (`isFused`)
 *   out  the same, as cosinesOut and so on; maskOut [1, 1, 1, S], or [1, 1, M, S] with column
 */
export function surroundingsGraph(
  tower: LanguageTower,
  profile: OpProfile,
): Uint8Array<ArrayBuffer> {
  const { headSize, keyValueHeads } = tower;
  const graph = createGraph("surroundings");
  const tables = ["B", "M", headSize / 2];
  const shapes = { cosines: tables, sines: tables, nothing: ["B", keyValueHeads, "C", headSize] };
  for (const [name, shape] of Object.entries(shapes)) {
    graph.output(`${name}Out`, graph.input(name, "FLOAT", shape), "FLOAT", shape);
  }
  const mask = graph.input("mask", "FLOAT", [1, 1, 1, "S"]);
  const rows = isFused(profile, tower)
    ? graph.node("Add", [mask, graph.input("column", "FLOAT", [1, 1, "M", 1])])
    : mask;
  graph.output("maskOut", rows, "FLOAT", [1, 1, "maskRows", "S"]);
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
