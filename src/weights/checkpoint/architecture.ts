import { z } from "zod";
import type {
  Architecture,
  ImagePolicy,
  LanguageTower,
  VisionTower,
} from "#domain/architecture.ts";
import {
  MAX_DIMENSION,
  MAX_GRID_PINPOINTS,
  MAX_LAYERS,
  MAX_TEMPLATE_LENGTH,
  MAX_VOCABULARY,
} from "../limits.ts";
import { WeightsError } from "../weights-error.ts";

/** What config.json says of the network, before the tokenizer has its say on ids. */
export interface CheckpointConfig {
  readonly language: LanguageTower;
  readonly vision?: VisionTower;
  readonly image?: ImagePolicy;
  readonly systemPrompt: string;
  readonly maxPromptLength: number;
  /** `eos_token_id`, the first where it is a list: the anchor of the special ids in a checkpoint without tokenizer. */
  readonly endOfText?: number;
  /** `tie_word_embeddings`: the head may be the embedding table. */
  readonly tiedHead: boolean;
}

/** What LLaDA-V tells its model where the checkpoint says nothing else. Source: conv_llava_llada in conversation.py. */
export const DEFAULT_SYSTEM_PROMPT =
  "You are a helpful language and vision assistant. You are able to understand the visual content that the user provides, and assist the user with a variety of tasks using natural language.";

/** The SigLIP sizes that LLaDA-V's code has built in: its config.json has no `vision_config`. Source: siglip_encoder.py. */
const SIGLIP_DEFAULTS = {
  hidden_size: 1152,
  intermediate_size: 4304,
  num_hidden_layers: 27,
  num_attention_heads: 16,
  image_size: 384,
  patch_size: 14,
  layer_norm_eps: 1e-6,
};

const dimension = z.number().int().min(1).max(MAX_DIMENSION);
const layers = z.number().int().min(1).max(MAX_LAYERS);
const epsilon = z.number().positive().max(1);

/** Hugging Face writes null for what is not set: the same as a key that is absent. */
function withoutNulls(json: unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

const visionFields = z.object({
  hidden_size: dimension.default(SIGLIP_DEFAULTS.hidden_size),
  intermediate_size: dimension.default(SIGLIP_DEFAULTS.intermediate_size),
  num_hidden_layers: layers.min(2).default(SIGLIP_DEFAULTS.num_hidden_layers),
  num_attention_heads: dimension.default(SIGLIP_DEFAULTS.num_attention_heads),
  image_size: dimension.default(SIGLIP_DEFAULTS.image_size),
  patch_size: dimension.default(SIGLIP_DEFAULTS.patch_size),
  layer_norm_eps: epsilon.default(SIGLIP_DEFAULTS.layer_norm_eps),
  hidden_act: z.string().default("gelu_pytorch_tanh"),
});
const visionConfig = z.preprocess(withoutNulls, visionFields);

const tokenId = z.number().int().min(0);

const pinpoints = z.union([
  z.string(),
  z.array(z.tuple([dimension, dimension])).max(MAX_GRID_PINPOINTS),
]);

/** Keys of the Hugging Face port (`hidden_size` …) and of the original LLaDA code (`d_model` …). Source: configuration_llada.py of both. */
const configFields = z.object({
  hidden_size: dimension.optional(),
  d_model: dimension.optional(),
  num_hidden_layers: layers.optional(),
  n_layers: layers.optional(),
  num_attention_heads: dimension.optional(),
  n_heads: dimension.optional(),
  num_key_value_heads: dimension.optional(),
  n_kv_heads: dimension.optional(),
  head_dim: dimension.optional(),
  intermediate_size: dimension.optional(),
  mlp_hidden_size: dimension.optional(),
  vocab_size: dimension.max(MAX_VOCABULARY).optional(),
  embedding_size: dimension.max(MAX_VOCABULARY).optional(),
  rope_theta: z.number().positive().default(500_000),
  rope_scaling: z.unknown().optional(),
  rms_norm_eps: epsilon.default(1e-5),
  hidden_act: z.string().optional(),
  activation_type: z.string().default("silu"),
  attention_bias: z.boolean().default(false),
  include_bias: z.boolean().default(false),
  layer_norm_type: z.string().default("rms"),
  rope: z.boolean().default(true),
  alibi: z.boolean().default(false),
  clip_qkv: z.unknown().optional(),
  use_sliding_window: z.boolean().default(false),
  input_emb_norm: z.boolean().default(false),
  scale_logits: z.boolean().default(false),
  tie_word_embeddings: z.boolean().optional(),
  weight_tying: z.boolean().optional(),
  max_position_embeddings: z.number().int().positive().optional(),
  max_sequence_length: z.number().int().positive().optional(),
  tokenizer_model_max_length: z.number().int().positive().optional(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).optional(),
  system_prompt: z.string().max(MAX_TEMPLATE_LENGTH).optional(),
  mm_vision_tower: z.string().optional(),
  mm_projector_type: z.string().default("mlp2x_gelu"),
  mm_patch_merge_type: z.string().default("spatial_unpad"),
  vision_config: visionConfig.optional(),
  image_aspect_ratio: z.string().optional(),
  image_grid_pinpoints: pinpoints.optional(),
});
const config = z.preprocess(withoutNulls, configFields);

type RawConfig = z.infer<typeof config>;

/**
 * Reads config.json in either naming scheme. What the engine does not compute (another activation, biases in the
 * language tower, scaled rotary positions, another projector …) is refused by name rather than left out: such a model
 * would answer wrongly without complaint.
 * Throws WeightsError `checkpoint_invalid` or `checkpoint_unsupported`.
 */
export function readCheckpointConfig(json: unknown): CheckpointConfig {
  const parsed = config.safeParse(json);
  if (!parsed.success) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json cannot be used:\n${z.prettifyError(parsed.error)}`,
    );
  }
  const raw = parsed.data;
  const hasVision = Boolean(raw.mm_vision_tower) || raw.vision_config !== undefined;
  refuseUnsupported(raw, hasVision);
  const vision = hasVision ? visionTower(raw) : undefined;
  const endOfText = Array.isArray(raw.eos_token_id) ? raw.eos_token_id[0] : raw.eos_token_id;
  return {
    language: languageTower(raw),
    ...(vision === undefined ? {} : { vision, image: imagePolicy(raw, vision.imageSize) }),
    systemPrompt: raw.system_prompt ?? DEFAULT_SYSTEM_PROMPT,
    maxPromptLength:
      raw.tokenizer_model_max_length ??
      raw.max_position_embeddings ??
      required(raw.max_sequence_length, "max_position_embeddings"),
    ...(endOfText === undefined ? {} : { endOfText }),
    tiedHead: raw.tie_word_embeddings ?? raw.weight_tying ?? false,
  };
}

function refuseUnsupported(raw: RawConfig, hasVision: boolean): void {
  const activation = raw.hidden_act ?? raw.activation_type;
  const merge = raw.mm_patch_merge_type;
  const isAnyres = hasVision && (raw.image_aspect_ratio ?? "pad") !== "pad";
  const visionActivation = raw.vision_config?.hidden_act ?? "gelu_pytorch_tanh";
  const asked: readonly (readonly [isAsked: boolean, what: string])[] = [
    [activation !== "silu", `activation ${activation}`],
    [raw.attention_bias, "attention_bias"],
    [raw.include_bias, "include_bias"],
    [raw.layer_norm_type !== "rms", `layer_norm_type ${raw.layer_norm_type}`],
    [!raw.rope, "no rotary positions"],
    [raw.rope_scaling !== undefined, "rope_scaling"],
    [raw.alibi, "alibi"],
    [raw.clip_qkv !== undefined, "clip_qkv"],
    [raw.use_sliding_window, "use_sliding_window"],
    [raw.input_emb_norm, "input_emb_norm"],
    [raw.scale_logits, "scale_logits"],
    [raw.mm_projector_type !== "mlp2x_gelu", `projector ${raw.mm_projector_type}`],
    [isAnyres && merge !== "spatial_unpad", `mm_patch_merge_type ${merge}`],
    [visionActivation !== "gelu_pytorch_tanh", `activation ${visionActivation} in vision_config`],
  ];
  const problems = asked.filter(([isAsked]) => isAsked).map(([, what]) => what);
  if (problems.length > 0) {
    throw new WeightsError(
      "checkpoint_unsupported",
      `config.json asks for what this engine does not compute: ${problems.join(", ")}`,
    );
  }
}

function languageTower(raw: RawConfig): LanguageTower {
  const hiddenSize = required(raw.hidden_size ?? raw.d_model, "hidden_size");
  const heads = required(raw.num_attention_heads ?? raw.n_heads, "num_attention_heads");
  const keyValueHeads = raw.num_key_value_heads ?? raw.n_kv_heads ?? heads;
  const headSize = raw.head_dim ?? hiddenSize / heads;
  if (!Number.isInteger(headSize) || headSize % 2 !== 0 || heads % keyValueHeads !== 0) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: ${heads} heads of ${headSize} on ${keyValueHeads} key-value heads do not divide ${hiddenSize} evenly`,
    );
  }
  return {
    hiddenSize,
    layers: required(raw.num_hidden_layers ?? raw.n_layers, "num_hidden_layers"),
    heads,
    keyValueHeads,
    headSize,
    intermediateSize: required(raw.intermediate_size ?? raw.mlp_hidden_size, "intermediate_size"),
    vocabSize: required(raw.embedding_size ?? raw.vocab_size, "vocab_size"),
    ropeTheta: raw.rope_theta,
    rmsNormEpsilon: raw.rms_norm_eps,
  };
}

/** The last configured layer never runs: LLaDA-V's code deletes it after loading. Source: SigLipVisionTower.load_model. */
function visionTower(raw: RawConfig): VisionTower {
  const vision = raw.vision_config ?? visionConfig.parse({});
  if (vision.hidden_size % vision.num_attention_heads !== 0) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: ${vision.num_attention_heads} vision heads do not divide ${vision.hidden_size}`,
    );
  }
  return {
    hiddenSize: vision.hidden_size,
    layers: vision.num_hidden_layers - 1,
    heads: vision.num_attention_heads,
    intermediateSize: vision.intermediate_size,
    imageSize: vision.image_size,
    patchSize: vision.patch_size,
    layerNormEpsilon: vision.layer_norm_eps,
  };
}

function imagePolicy(raw: RawConfig, imageSize: number): ImagePolicy {
  const ratio = raw.image_aspect_ratio ?? "pad";
  const gridPinpoints = expandPinpoints(raw.image_grid_pinpoints ?? [], imageSize);
  if (ratio === "pad") return { aspect: "pad", gridPinpoints, maxTiles: 1 };
  const limit = /^anyres(?:_max_([1-9]\d{0,2}))?$/.exec(ratio);
  if (limit === null) {
    throw new WeightsError(
      "checkpoint_unsupported",
      `config.json: image_aspect_ratio ${ratio}; known are pad, anyres and anyres_max_N`,
    );
  }
  if (gridPinpoints.length === 0) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: ${ratio} needs image_grid_pinpoints`,
    );
  }
  // Plain `anyres` never shrinks: a limit that no candidate exceeds says the same.
  const largest = Math.max(
    ...gridPinpoints.map(([width, height]) => Math.ceil((width * height) / imageSize ** 2)),
  );
  const maxTiles = limit[1] === undefined ? largest : Number(limit[1]);
  return { aspect: "anyres", gridPinpoints, maxTiles };
}

/** "(1x1),...,(6x6)" means every grid between the first and the last pair, in tiles. Source: process_anyres_image in mm_utils.py. */
function expandPinpoints(
  value: string | readonly (readonly [number, number])[],
  imageSize: number,
): (readonly [number, number])[] {
  if (typeof value !== "string") return [...value];
  const pairs = [...value.matchAll(/\((\d{1,2})x(\d{1,2})\)/g)];
  const [first, last] = [pairs[0], pairs[pairs.length - 1]];
  if (first === undefined || last === undefined) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: image_grid_pinpoints "${value.slice(0, 80)}" names no grid like (1x1)`,
    );
  }
  const grid: (readonly [number, number])[] = [];
  for (let width = Number(first[1]); width <= Number(last[1]); width++) {
    for (let height = Number(first[2]); height <= Number(last[2]); height++) {
      grid.push([width * imageSize, height * imageSize]);
    }
  }
  if (grid.length === 0 || grid.length > MAX_GRID_PINPOINTS) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json: image_grid_pinpoints spans ${grid.length} grids; allowed are 1 to ${MAX_GRID_PINPOINTS}`,
    );
  }
  return grid;
}

function required(value: number | undefined, key: string): number {
  if (value === undefined) {
    throw new WeightsError("checkpoint_invalid", `config.json lacks ${key}`);
  }
  return value;
}

/** Joins what config and tokenizer say. */
export function joinArchitecture(
  checkpoint: CheckpointConfig,
  tokens: Pick<Architecture, "special" | "logitsColumns"> & { readonly chatTemplate?: string },
): Architecture {
  const { language, vision, image, systemPrompt, maxPromptLength } = checkpoint;
  return {
    language,
    ...(vision === undefined || image === undefined ? {} : { vision, image }),
    prompt: {
      ...(tokens.chatTemplate === undefined ? {} : { chatTemplate: tokens.chatTemplate }),
      systemPrompt,
      maxPromptLength,
    },
    special: tokens.special,
    logitsColumns: tokens.logitsColumns,
  };
}
