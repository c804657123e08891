import { type LanguageTower, towerWidth, type VisionTower } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import { createGraph } from "./build.ts";
import { linear } from "./linear.ts";
import type { OpProfile } from "./profile.ts";

/**
 * Brings patch features into the language tower's width.
 *
 *   in   features [N, P, width of the vision tower]
 *   out  projected [N, P, D]
 *
 * Source: multimodal_projector/builder.py, type mlp2x_gelu; its GELU is the exact one, the vision tower's is not.
 */
export function projectorGraph(
  vision: VisionTower,
  language: LanguageTower,
  stage: StageLayout,
  profile: OpProfile,
): Uint8Array<ArrayBuffer> {
  const graph = createGraph("projector");
  const weights = { graph, stage, profile };
  const features = graph.input("features", "FLOAT", ["N", "P", towerWidth(vision)]);
  const widened = graph.node("Gelu", [linear(weights, features, "0")], {
    attributes: { approximate: "none" },
  });
  graph.output("projected", linear(weights, widened, "2"), "FLOAT", [
    "N",
    "P",
    language.hiddenSize,
  ]);
  return graph.toBytes();
}
