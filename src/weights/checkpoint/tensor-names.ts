import type { Architecture } from "#domain/architecture.ts";
import { layerStage, type StageName } from "#domain/bundle.ts";

/** Where a checkpoint's tensor belongs. */
export type TensorPlace =
  | { readonly kind: "stage"; readonly stage: StageName; readonly name: string }
  /** In the file but not computed by the reference either. */
  | { readonly kind: "ignored" }
  | { readonly kind: "unknown" };

/** Names inside a layer, original LLaDA code → Hugging Face port. Source: rename_checkpoint.py of LLaDA-V. */
const ORIGINAL_LAYER_NAMES: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  q_proj: "self_attn.q_proj",
  k_proj: "self_attn.k_proj",
  v_proj: "self_attn.v_proj",
  attn_out: "self_attn.o_proj",
  ff_norm: "post_attention_layernorm",
  ff_proj: "mlp.gate_proj",
  up_proj: "mlp.up_proj",
  ff_out: "mlp.down_proj",
};

/** Names outside of layers, in both schemes. */
const SINGLE_NAMES: Readonly<Record<string, readonly [stage: StageName, name: string]>> = {
  "model.embed_tokens.weight": ["embed", "weight"],
  "model.transformer.wte.weight": ["embed", "weight"],
  "model.norm.weight": ["head", "norm.weight"],
  "model.transformer.ln_f.weight": ["head", "norm.weight"],
  "lm_head.weight": ["head", "weight"],
  "model.transformer.ff_out.weight": ["head", "weight"],
  "model.image_newline": ["projector", "image_newline"],
};

/**
 * Places a tensor by its name, in either naming scheme. The vision tower is recognised by what follows `vision_model.`,
 * because what stands before it differs between exporters. Its layers behind the last one that runs, its closing norm and
 * its pooling head are ignored, as the reference deletes or never reads them. A tower of convolutions is recognised by its two parts.
 */
export function placeTensor(name: string, architecture: Pick<Architecture, "vision">): TensorPlace {
  const single = Object.hasOwn(SINGLE_NAMES, name) ? SINGLE_NAMES[name] : undefined;
  if (single !== undefined) return { kind: "stage", stage: single[0], name: single[1] };
  if (name.endsWith(".rotary_emb.inv_freq") || name.includes("vision_resampler.")) {
    return { kind: "ignored" }; // computed from the configuration; never called by encode_images
  }

  const layer = /^model\.layers\.(\d+)\.(.+)$/.exec(name);
  if (layer !== null) return inStage(layerStage(Number(layer[1])), layer[2]);
  const original = /^model\.transformer\.blocks\.(\d+)\.(\w+)\.(weight)$/.exec(name);
  if (original !== null) {
    const inner = ORIGINAL_LAYER_NAMES[original[2] ?? ""];
    return inner === undefined
      ? { kind: "unknown" }
      : inStage(layerStage(Number(original[1])), `${inner}.weight`);
  }
  const projector = /^(?:model\.)?mm_projector\.(.+)$/.exec(name);
  if (projector !== null) return inStage("projector", projector[1]);

  if (architecture.vision?.kind === "conv") {
    return inStage("vision", /(?:^|\.)vision_tower\.((?:trunk|evidence)\..+)$/.exec(name)?.[1]);
  }
  const vision = /(?:^|\.)vision_model\.(.+)$/.exec(name)?.[1];
  if (vision === undefined || architecture.vision === undefined) return { kind: "unknown" };
  const visionLayer = /^encoder\.layers\.(\d+)\./.exec(vision);
  const isDropped = visionLayer !== null && Number(visionLayer[1]) === architecture.vision.layers;
  if (isDropped || /^(?:post_layernorm|head)\./.test(vision)) return { kind: "ignored" };
  return inStage("vision", vision);
}

function inStage(stage: StageName, name: string | undefined): TensorPlace {
  return name === undefined ? { kind: "unknown" } : { kind: "stage", stage, name };
}
