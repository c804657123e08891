import type { LanguageTower } from "#domain/architecture.ts";
import type { Graph, Value } from "./build.ts";

/** Cosines and sines of the rotation angles of consecutive positions, each [M, d/2] row-major. */
export interface RotationTables {
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
}

/**
 * Tabulates the angles position · θ^(−2i/d) for `length` positions from `first` on. Every step is rounded to float32 as the reference
 * does; in double precision the angle at position 16383 would differ by 1e-3. Source: LLaDARotaryEmbedding in modeling_llada.py.
 */
export function rotationTables(
  { headSize, ropeTheta }: Pick<LanguageTower, "headSize" | "ropeTheta">,
  first: number,
  length: number,
): RotationTables {
  const half = headSize / 2;
  const frequencies = Array.from({ length: half }, (_, index) =>
    Math.fround(1 / Math.fround(ropeTheta ** Math.fround((2 * index) / headSize))),
  );
  const cosines = new Float32Array(length * half);
  const sines = new Float32Array(length * half);
  for (let row = 0; row < length; row++) {
    for (const [index, frequency] of frequencies.entries()) {
      const angle = Math.fround((first + row) * frequency);
      cosines[row * half + index] = Math.cos(angle);
      sines[row * half + index] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}

/** The same tables as values of a graph, one for all heads, each [1, M, d/2]. */
export interface Rotation {
  readonly cosines: Value;
  readonly sines: Value;
}

/** Names and length of the two inputs: the angles of a window's positions, or of those among them that ask. */
const rotationNames = {
  window: { cosines: "cosines", sines: "sines", length: "M" },
  queries: { cosines: "queryCosines", sines: "querySines", length: "Q" },
} as const;

/**
 * Declares the inputs `cosines` and `sines` [1, M, d/2], or `queryCosines` and `querySines` [1, Q, d/2]. The angles are no part of
 * the graph: all layers share them, and the cosine of a large angle is only as good as the device's range reduction, which
 * GPUs leave open.
 */
export function rotationInputs(
  graph: Graph,
  headSize: number,
  of: keyof typeof rotationNames = "window",
): Rotation {
  const { cosines, sines, length } = rotationNames[of];
  const shape = [1, length, headSize / 2];
  return {
    cosines: graph.input(cosines, "FLOAT", shape),
    sines: graph.input(sines, "FLOAT", shape),
  };
}

/**
 * Rotates each head's vector, pairing coordinate i with i + d/2 (not i with i + 1). x [B, M, heads · d].
 * Source: rotate_half and apply_rotary_pos_emb in modeling_llada.py.
 */
export function rotate(graph: Graph, x: Value, rotation: Rotation, heads: number): Value {
  const batch = graph.node("Shape", [x], { attributes: { start: 0, end: 1 } });
  const perItem = (table: Value): Value =>
    graph.node("Expand", [
      table,
      graph.node("Concat", [batch, graph.integers([1, 1])], { attributes: { axis: 0 } }),
    ]);
  const all = { cosines: perItem(rotation.cosines), sines: perItem(rotation.sines) };
  return rotateBy(graph, x, all, heads);
}

/** The same with tables of every item, [B, M, d/2]. */
export function rotateBy(
  graph: Graph,
  x: Value,
  { cosines, sines }: Rotation,
  heads: number,
): Value {
  return graph.node("RotaryEmbedding", [x, cosines, sines], { attributes: { num_heads: heads } });
}
