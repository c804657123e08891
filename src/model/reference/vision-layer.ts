import type { PatchTower } from "#domain/architecture.ts";
import {
  add,
  geluTanh,
  layerNorm,
  linear,
  type Rows,
  type WeightLookup,
  weightOf,
} from "./arithmetic.ts";
import { attend } from "./attention.ts";

/** One layer of the vision tower over the patches [P, D] of one view. Source: SigLipEncoderLayer in siglip_encoder.py. */
export function visionLayer(
  weights: WeightLookup,
  tower: PatchTower,
  patches: Rows,
  name: string,
): Rows {
  const norm = (x: Rows, part: string): Rows =>
    layerNorm(
      x,
      weightOf(weights, `${name}.${part}.weight`),
      weightOf(weights, `${name}.${part}.bias`),
      tower.layerNormEpsilon,
    );
  const project = (x: Rows, part: string): Rows => linear(weights, x, `${name}.${part}`);

  const normed = norm(patches, "layer_norm1");
  const mixed = attend(
    project(normed, "self_attn.q_proj"),
    project(normed, "self_attn.k_proj"),
    project(normed, "self_attn.v_proj"),
    tower.hiddenSize / tower.heads,
  );
  const attended = add(patches, project(mixed, "self_attn.out_proj"));

  const widened = project(norm(attended, "layer_norm2"), "mlp.fc1");
  const activated = { width: widened.width, data: widened.data.map(geluTanh) };
  return add(attended, project(activated, "mlp.fc2"));
}
