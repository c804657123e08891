import * as z from "zod";
import {
  type Architecture,
  defaultDecoding,
  type ImagePolicy,
  type LanguageTower,
  type PatchTower,
  type VisionTower,
} from "#domain/architecture.ts";
import {
  MAX_DIMENSION,
  MAX_GRID_PINPOINTS,
  MAX_LAYERS,
  MAX_TEMPLATE_LENGTH,
  MAX_VOCABULARY,
} from "../limits.ts";
import { WeightsError } from "../weights-error.ts";
import { isConvConfig, readConvTower } from "./conv-config.ts";
import { readImagePolicy } from "./image-policy.ts";
import { refuseUnsupported, withoutNulls } from "./unsupported.ts";

/** What config.json says of the network, before the tokenizer has its say on ids. */
export interface CheckpointConfig {
  readonly language: LanguageTower;
  readonly vision?: VisionTower;
  readonly image?: ImagePolicy;
  readonly systemPrompt: string;
  readonly maxPromptLength: number;
  /** `eos_token_id`, the first where it is a list: the anchor of the special ids in a checkpoint without tokenizer. */
  readonly endOfText?: number;
  /** `mask_token_id`: what the tokenizer says must be the same. */
  readonly mask?: number;
  /** `fill_token_id`: what stands in places of a form that its value leaves over; no word of an answer. */
  readonly fill?: number;
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
const tokenId = z.number().int().min(0);
const theta = z.number().positive();

const visionConfig = z.preprocess(
  (json) => (isConvConfig(json) ? { kind: "conv", json } : withoutNulls(json)),
  z.object({
    kind: z.literal("conv").optional(),
    /** What a tower of convolutions says of itself, unread. */
    json: z.unknown().optional(),
    hidden_size: dimension.default(SIGLIP_DEFAULTS.hidden_size),
    intermediate_size: dimension.default(SIGLIP_DEFAULTS.intermediate_size),
    num_hidden_layers: layers.min(2).default(SIGLIP_DEFAULTS.num_hidden_layers),
    num_attention_heads: dimension.default(SIGLIP_DEFAULTS.num_attention_heads),
    image_size: dimension.default(SIGLIP_DEFAULTS.image_size),
    patch_size: dimension.default(SIGLIP_DEFAULTS.patch_size),
    layer_norm_eps: epsilon.default(SIGLIP_DEFAULTS.layer_norm_eps),
  }),
);

/** Where newer configurations keep what `rope_theta` said, and older ones how positions are scaled. */
const rotary = z.preprocess(withoutNulls, z.looseObject({ rope_theta: theta.optional() }));

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
  multi_query_attention: z.boolean().default(false),
  head_dim: dimension.optional(),
  intermediate_size: dimension.optional(),
  mlp_hidden_size: dimension.optional(),
  mlp_ratio: dimension.optional(),
  vocab_size: dimension.max(MAX_VOCABULARY).optional(),
  embedding_size: dimension.max(MAX_VOCABULARY).optional(),
  rope_theta: theta.optional(),
  rope_parameters: rotary.optional(),
  rope_scaling: rotary.optional(),
  rms_norm_eps: epsilon.default(1e-5),
  tie_word_embeddings: z.boolean().optional(),
  weight_tying: z.boolean().optional(),
  max_position_embeddings: z.number().int().positive().optional(),
  max_sequence_length: z.number().int().positive().optional(),
  tokenizer_model_max_length: z.number().int().positive().optional(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).optional(),
  mask_token_id: tokenId.optional(),
  fill_token_id: tokenId.optional(),
  system_prompt: z.string().max(MAX_TEMPLATE_LENGTH).optional(),
  mm_vision_tower: z.string().optional(),
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
  refuseUnsupported(json, hasVision);
  const sight = hasVision ? sightOf(raw) : {};
  const endOfText = Array.isArray(raw.eos_token_id) ? raw.eos_token_id[0] : raw.eos_token_id;
  return {
    language: languageTower(raw),
    ...sight,
    systemPrompt: raw.system_prompt ?? (hasVision ? DEFAULT_SYSTEM_PROMPT : ""),
    maxPromptLength:
      raw.tokenizer_model_max_length ??
      raw.max_position_embeddings ??
      required(raw.max_sequence_length, "max_position_embeddings"),
    ...(endOfText === undefined ? {} : { endOfText }),
    ...(raw.mask_token_id === undefined ? {} : { mask: raw.mask_token_id }),
    ...(raw.fill_token_id === undefined ? {} : { fill: raw.fill_token_id }),
    tiedHead: raw.tie_word_embeddings ?? raw.weight_tying ?? false,
  };
}

function languageTower(raw: RawConfig): LanguageTower {
  const hiddenSize = required(raw.hidden_size ?? raw.d_model, "hidden_size");
  const heads = required(raw.num_attention_heads ?? raw.n_heads, "num_attention_heads");
  const keyValueHeads =
    raw.num_key_value_heads ?? raw.n_kv_heads ?? (raw.multi_query_attention ? 1 : heads);
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
    intermediateSize: required(
      raw.intermediate_size ??
        raw.mlp_hidden_size ??
        (raw.mlp_ratio === undefined ? undefined : raw.mlp_ratio * hiddenSize),
      "intermediate_size",
    ),
    vocabSize: required(raw.embedding_size ?? raw.vocab_size, "vocab_size"),
    ropeTheta: ropeTheta(raw),
    rmsNormEpsilon: raw.rms_norm_eps,
  };
}

/** Read wherever it stands; there is no value to fall back on, because the codes that read such configurations have different ones. */
function ropeTheta({ rope_theta, rope_parameters, rope_scaling }: RawConfig): number {
  const said = [rope_theta, rope_parameters?.rope_theta, rope_scaling?.rope_theta];
  const values = [...new Set(said.filter((value) => value !== undefined))];
  if (values.length > 1) {
    throw new WeightsError(
      "checkpoint_invalid",
      `config.json says rope_theta more than once, and not the same: ${values.join(", ")}`,
    );
  }
  return required(values[0], "rope_theta");
}

/** A tower of convolutions takes the whole picture as one view, and says so itself; of the other one `image_aspect_ratio` speaks. */
function sightOf(raw: RawConfig): { readonly vision: VisionTower; readonly image: ImagePolicy } {
  if (raw.vision_config?.kind === "conv") {
    return {
      vision: readConvTower(raw.vision_config.json),
      image: { aspect: "stretch", gridPinpoints: [], maxTiles: 1 },
    };
  }
  const vision = patchTower(raw);
  const image = readImagePolicy(
    required(raw.image_aspect_ratio, "image_aspect_ratio"),
    raw.image_grid_pinpoints ?? [],
    vision.imageSize,
  );
  return { vision, image };
}

/** The last configured layer never runs: LLaDA-V's code deletes it after loading. Source: SigLipVisionTower.load_model. */
function patchTower(raw: RawConfig): PatchTower {
  const vision = raw.vision_config ?? SIGLIP_DEFAULTS;
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

function required<Value>(value: Value | undefined, key: string): Value {
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
  const { language, vision, image, systemPrompt, maxPromptLength, fill } = checkpoint;
  const decoding = defaultDecoding(tokens.special, vision !== undefined);
  return {
    language,
    ...(vision === undefined || image === undefined ? {} : { vision, image }),
    prompt: {
      ...(tokens.chatTemplate === undefined ? {} : { chatTemplate: tokens.chatTemplate }),
      systemPrompt,
      maxPromptLength,
    },
    decoding:
      fill === undefined ? decoding : { ...decoding, suppressed: [...decoding.suppressed, fill] },
    special: tokens.special,
    logitsColumns: tokens.logitsColumns,
  };
}
