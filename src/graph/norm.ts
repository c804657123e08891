import type { Value } from "./build.ts";
import { plain, type StageWeights } from "./linear.ts";

/** Scales each vector to a root mean square of one, then by the learned weights `name`.weight. */
export function rmsNorm(weights: StageWeights, x: Value, name: string, epsilon: number): Value {
  return weights.graph.node("RMSNormalization", [x, plain(weights, `${name}.weight`)], {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  });
}

/** Shifts and scales each vector to mean zero and variance one, then applies `name`.weight and `name`.bias. */
export function layerNorm(weights: StageWeights, x: Value, name: string, epsilon: number): Value {
  const parameters = [plain(weights, `${name}.weight`), plain(weights, `${name}.bias`)];
  return weights.graph.node("LayerNormalization", [x, ...parameters], {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  });
}
