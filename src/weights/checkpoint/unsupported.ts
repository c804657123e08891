import { WeightsError } from "../weights-error.ts";
import { isConvConfig } from "./conv-config.ts";

type ConfigRecord = Readonly<Record<string, unknown>>;

/**
 * Settings that change what a network computes, with the values under which it computes what this engine does; an empty
 * list where the key alone is too much. A key that is absent or null says nothing.
 *
 * Sources: configuration_llada.py of LLaDA and of its Hugging Face port; the keys of the same meaning in the configurations
 * of transformers, because checkpoints are also written by tools that know those.
 */
const COMPUTED: Readonly<Record<string, readonly unknown[]>> = {
  // Which network it is.
  model_type: ["llada", "llava_llada"],
  text_config: [],
  block_type: ["llama"],
  num_experts: [0],
  num_local_experts: [0],
  n_routed_experts: [0],
  quantization_config: [],
  // Linears and activations.
  hidden_act: ["silu"],
  activation_type: ["silu"],
  attention_bias: [false],
  include_bias: [false],
  include_qkv_bias: [false],
  qkv_bias: [false],
  use_bias: [false],
  mlp_bias: [false],
  lm_head_bias: [false],
  // Norms.
  layer_norm_type: ["rms"],
  layer_norm_with_affine: [true],
  bias_for_layer_norm: [false],
  attention_layer_norm: [false],
  qk_norm: [false],
  use_qk_norm: [false],
  input_emb_norm: [false],
  // Positions and attention.
  rope: [true],
  alibi: [false],
  partial_rotary_factor: [1],
  rotary_pct: [1],
  use_sliding_window: [false],
  clip_qkv: [],
  attn_logit_softcapping: [],
  query_pre_attn_scalar: [],
  attention_multiplier: [],
  // What is done to vectors and logits besides.
  scale_logits: [false],
  logit_scale: [1],
  logits_scaling: [1],
  final_logit_softcapping: [],
  embedding_multiplier: [1],
  residual_multiplier: [1],
};

/** The same for pictures; read only where there is a vision tower. Source: llava_arch.py and builder.py of LLaDA-V. */
const COMPUTED_OF_PICTURES: Readonly<Record<string, readonly unknown[]>> = {
  mm_projector_type: ["mlp2x_gelu"],
  mm_resampler_type: [],
  mm_patch_merge_type: ["spatial_unpad"],
  // Words around each picture's vectors, and a word more to choose from.
  mm_use_im_start_end: [false],
  mm_use_im_patch_token: [false],
  // `mm_vision_select_layer` and `mm_vision_select_feature` are not here: the tower of LLaDA-V never reads them.
};

const COMPUTED_OF_TOWER: Readonly<Record<string, readonly unknown[]>> = {
  model_type: ["siglip_vision_model"],
  hidden_act: ["gelu_pytorch_tanh"],
  num_channels: [3],
};

/** Class names of the code that this engine is held to. */
const ARCHITECTURES = ["LLaDAModelLM", "LlavaLLaDAModelLM"];

/** Keys inside of `rope_parameters` and `rope_scaling`; without any of them positions turn as `rope_theta` says. */
const COMPUTED_OF_ROTARY: Readonly<Record<string, readonly unknown[]>> = {
  rope_type: ["default"],
  type: ["default"],
  partial_rotary_factor: [1],
  mrope_section: [],
  // One set per kind of layer.
  full_attention: [],
  sliding_attention: [],
};

/**
 * Throws WeightsError `checkpoint_unsupported` that names every setting which this engine does not compute. Left out, such
 * a setting would make a model that answers wrongly without complaint.
 */
export function refuseUnsupported(json: unknown, hasVision: boolean): void {
  const said = recordOf(json);
  const problems = [
    ...outside(said, COMPUTED),
    ...foreignClass(said),
    ...windowed(said),
    ...rotary(said, "rope_parameters"),
    ...rotary(said, "rope_scaling"),
    ...(hasVision ? pictured(said) : []),
  ];
  if (problems.length > 0) {
    throw new WeightsError(
      "checkpoint_unsupported",
      `config.json asks for what this engine does not compute: ${problems.join(", ")}`,
    );
  }
}

/** Drops the members that say null: Hugging Face writes null for what is not set, the same as a key that is absent. */
export function withoutNulls(json: unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

/** What is no object says nothing here; whether it should be one is for the schema of what is read. */
function recordOf(json: unknown): ConfigRecord {
  const members = withoutNulls(json);
  return typeof members === "object" && members !== null && !Array.isArray(members)
    ? { ...members }
    : {};
}

function outside(
  said: ConfigRecord,
  computed: Readonly<Record<string, readonly unknown[]>>,
): string[] {
  return Object.entries(computed).flatMap(([key, values]) => {
    const value = said[key];
    return value === undefined || values.includes(value) ? [] : [`${key} ${short(value)}`];
  });
}

function foreignClass({ architectures }: ConfigRecord): string[] {
  const names: readonly unknown[] = Array.isArray(architectures) ? architectures : [];
  const isForeign = names.length > 0 && !names.some((name) => ARCHITECTURES.includes(`${name}`));
  return isForeign ? [`architectures ${short(names)}`] : [];
}

/** A window counts unless it is switched off: some configurations know no switch, only its width. */
function windowed({ sliding_window, use_sliding_window, layer_types }: ConfigRecord): string[] {
  const types: readonly unknown[] = Array.isArray(layer_types) ? layer_types : [];
  return [
    ...(sliding_window === undefined || use_sliding_window === false
      ? []
      : [`sliding_window ${short(sliding_window)}`]),
    ...types
      .filter((type) => type !== "full_attention")
      .slice(0, 1)
      .map((type) => `layer_types ${short(type)}`),
  ];
}

function rotary(said: ConfigRecord, key: string): string[] {
  return outside(recordOf(said[key]), COMPUTED_OF_ROTARY).map((problem) => `${key} ${problem}`);
}

function pictured(said: ConfigRecord): string[] {
  const { mm_vision_tower: tower, image_aspect_ratio: aspect } = said;
  // What a tower of convolutions says of itself is judged where it is read.
  if (isConvConfig(said["vision_config"])) return outside(said, COMPUTED_OF_PICTURES);
  return [
    ...outside(said, COMPUTED_OF_PICTURES),
    ...outside(recordOf(said["vision_config"]), COMPUTED_OF_TOWER).map(
      (problem) => `vision_config ${problem}`,
    ),
    // The reference picks the tower's class by this name, too.
    ...(typeof tower === "string" && !/siglip/i.test(tower)
      ? [`mm_vision_tower ${short(tower)}`]
      : []),
    // Without one the reference stretches pictures to a square.
    ...(aspect === undefined ? ["no image_aspect_ratio"] : []),
  ];
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
