import type { Value } from "../build.ts";
import { plain, type StageWeights, scalesOf, tensorEntry } from "../linear.ts";

/**
 * The weights of a convolution or of a matrix beside it, as float32 in their logical shape. Those of r8 are widened in the graph: the
 * runtime does it once, when the session is made, so that 8 bits are what is stored and sent, and floats what is multiplied.
 */
export function kernel(weights: StageWeights, name: string): Value {
  const { graph, stage, file } = weights;
  const entry = tensorEntry(stage, name);
  const { shape, encoding, data } = entry;
  if (encoding !== "r8") return plain(weights, name);
  const [outputs = 1, ...rest] = shape;
  const levels = graph.cast(graph.weight(name, "INT8", shape, data, file), "FLOAT");
  const steps = [outputs, ...rest.map(() => 1)];
  const scales = graph.weight(`${name}.scales`, "FLOAT", steps, scalesOf(entry), file);
  return graph.node("Mul", [levels, scales]);
}

/** x Wᵀ with a matrix [out, in]: x [..., in] → [..., out]. */
export function byKernel(weights: StageWeights, x: Value, name: string): Value {
  const turned = weights.graph.node("Transpose", [kernel(weights, name)], {
    attributes: { perm: [1, 0] },
  });
  return weights.graph.node("MatMul", [x, turned]);
}
