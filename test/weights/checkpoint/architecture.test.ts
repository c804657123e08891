import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_SYSTEM_PROMPT, readCheckpointConfig } from "#weights/checkpoint/architecture.ts";
import { TINY_CONFIG, TINY_ORIGINAL_CONFIG } from "../../support/checkpoint-builder.ts";

/** What LLaDA-V's training writes into config.json: no `vision_config`, everything of the tower built into the code. */
const REAL_CONFIG = {
  model_type: "llava_llada",
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  intermediate_size: 12_288,
  vocab_size: 126_464,
  rope_theta: 500_000,
  rope_scaling: null,
  rms_norm_eps: 1e-5,
  hidden_act: "silu",
  attention_bias: false,
  eos_token_id: 126_081,
  max_position_embeddings: 16_384,
  tokenizer_model_max_length: 8192,
  tie_word_embeddings: false,
  mm_vision_tower: "model/siglip2-so400m-patch14-384",
  mm_projector_type: "mlp2x_gelu",
  image_aspect_ratio: "anyres_max_4",
  image_grid_pinpoints: "(1x1),...,(6x6)",
};

/** What the original LLaDA-8B has in config.json, most of it switched off. Source: configuration_llada.py, GSAI-ML/LLaDA-8B. */
const BASE_CONFIG = {
  activation_type: "silu",
  alibi: false,
  alibi_bias_max: 8,
  attention_dropout: 0,
  attention_layer_norm: false,
  attention_layer_norm_with_affine: true,
  bias_for_layer_norm: false,
  block_group_size: 1,
  block_type: "llama",
  clip_qkv: null,
  d_model: 4096,
  embedding_dropout: 0,
  embedding_size: 126_464,
  eos_token_id: 126_081,
  flash_attention: false,
  include_bias: false,
  include_qkv_bias: false,
  init_cutoff_factor: null,
  input_emb_norm: false,
  layer_norm_type: "rms",
  layer_norm_with_affine: true,
  mask_token_id: 126_336,
  max_sequence_length: 4096,
  mlp_hidden_size: 12_288,
  mlp_ratio: 4,
  model_type: "llada",
  multi_query_attention: null,
  n_heads: 32,
  n_kv_heads: 32,
  n_layers: 32,
  precision: "amp_bf16",
  rms_norm_eps: 1e-5,
  rope: true,
  rope_full_precision: true,
  rope_theta: 500_000,
  scale_logits: false,
  use_cache: false,
  vocab_size: 126_464,
  weight_tying: false,
};

const rotary = (rope_theta: number, rope_scaling: object): object => ({ rope_theta, rope_scaling });

describe("config.json", () => {
  test("of LLaDA-V gives the SigLIP tower that its code has built in, without the last layer", () => {
    const { vision, image, maxPromptLength, systemPrompt } = readCheckpointConfig(REAL_CONFIG);
    expect(vision).toEqual({
      hiddenSize: 1152,
      layers: 26,
      heads: 16,
      intermediateSize: 4304,
      imageSize: 384,
      patchSize: 14,
      layerNormEpsilon: 1e-6,
    });
    expect(image).toMatchObject({ aspect: "anyres", maxTiles: 4 });
    expect(image?.gridPinpoints).toHaveLength(36);
    expect(image?.gridPinpoints.slice(0, 2)).toEqual([
      [384, 384],
      [384, 768],
    ]);
    expect(image?.gridPinpoints[35]).toEqual([2304, 2304]);
    expect(maxPromptLength).toBe(8192);
    expect(systemPrompt).toBe(DEFAULT_SYSTEM_PROMPT);
  });

  test("in the original code's keys gives the same language tower", () => {
    const original = readCheckpointConfig(TINY_ORIGINAL_CONFIG);
    expect(original.language).toEqual(readCheckpointConfig(TINY_CONFIG).language);
    expect(original.vision).toBeUndefined();
    expect(original.maxPromptLength).toBe(512);
  });

  test("of the original 8B passes, whatever it switches off", () => {
    const { language, vision, endOfText } = readCheckpointConfig(BASE_CONFIG);
    expect(language).toEqual(readCheckpointConfig(REAL_CONFIG).language);
    expect(vision).toBeUndefined();
    expect(endOfText).toBe(126_081);
  });

  test("may say null for whatever it does not set, and values that change nothing", () => {
    const nulls = {
      ...{ eos_token_id: null, head_dim: null, attention_bias: null, tie_word_embeddings: null },
      ...{ rope_scaling: null, clip_qkv: null, use_sliding_window: false, scale_logits: null },
      ...{ hidden_act: null, rope_parameters: null, mm_patch_merge_type: "spatial_unpad" },
      vision_config: {
        ...(TINY_CONFIG["vision_config"] as object),
        ...{ hidden_act: "gelu_pytorch_tanh", layer_norm_eps: null },
      },
    };
    const { endOfText, ...read } = readCheckpointConfig({ ...TINY_CONFIG, ...nulls });
    expect(endOfText).toBeUndefined();
    expect({ ...read, endOfText: 641 }).toEqual(readCheckpointConfig(TINY_CONFIG));
    const blind = { ...TINY_CONFIG, vision_config: null, mm_vision_tower: null };
    expect(readCheckpointConfig(blind).vision).toBeUndefined();
  });

  test("may list its end-of-text ids: the first one counts", () => {
    const read = readCheckpointConfig({ ...TINY_CONFIG, eos_token_id: [641, 7] });
    expect(read.endOfText).toBe(641);
  });

  test.each<[string, unknown]>([
    ["hidden_act", "gelu"],
    ["activation_type", "swiglu"],
    ["attention_bias", true],
    ["include_bias", true],
    ["include_qkv_bias", true],
    ["mlp_bias", true],
    ["layer_norm_type", "gemma_rms"],
    ["layer_norm_with_affine", false],
    ["bias_for_layer_norm", true],
    ["attention_layer_norm", true],
    ["use_qk_norm", true],
    ["block_type", "sequential"],
    ["rope", false],
    ["alibi", true],
    ["clip_qkv", 8],
    ["partial_rotary_factor", 0.5],
    ["use_sliding_window", true],
    ["sliding_window", 4096],
    ["final_logit_softcapping", 30],
    ["attn_logit_softcapping", 50],
    ["logits_scaling", 8],
    ["residual_multiplier", 0.2],
    ["input_emb_norm", true],
    ["scale_logits", true],
    ["num_experts", 64],
    ["quantization_config", { quant_method: "gptq", bits: 4 }],
    ["model_type", "qwen2"],
    ["architectures", ["LLaDAMoEModelLM"]],
    ["text_config", { hidden_size: 64 }],
    ["mm_projector_type", "resampler"],
    ["mm_resampler_type", "perceiver"],
    ["mm_patch_merge_type", "flat"],
    ["mm_use_im_start_end", true],
    ["mm_use_im_patch_token", true],
    ["mm_vision_tower", "openai/clip-vit-large-patch14-336"],
  ])("with %s %j is refused by that name", (key, value) => {
    expect(() => readCheckpointConfig({ ...TINY_CONFIG, [key]: value })).toThrow(
      expect.objectContaining({
        code: "checkpoint_unsupported",
        message: `config.json asks for what this engine does not compute: ${key} ${JSON.stringify(value)}`,
      }),
    );
  });

  test.each<[object, string]>([
    [{ layer_types: ["full_attention", "sliding_attention"] }, 'layer_types "sliding_attention"'],
    [{ vision_config: { hidden_act: "gelu" } }, 'vision_config hidden_act "gelu"'],
    [
      { vision_config: { model_type: "clip_vision_model" } },
      'vision_config model_type "clip_vision_model"',
    ],
    [{ image_aspect_ratio: null }, "no image_aspect_ratio"],
    [{ alibi: true, mlp_bias: true }, "mlp_bias true, alibi true"],
  ])("with %j is refused by name", (change, words) => {
    expect(() => readCheckpointConfig({ ...TINY_CONFIG, ...change })).toThrow(
      expect.objectContaining({
        code: "checkpoint_unsupported",
        message: `config.json asks for what this engine does not compute: ${words}`,
      }),
    );
  });

  test("of a text-only checkpoint is not refused for what it says of pictures", () => {
    const said = { mm_projector_type: "linear", mm_use_im_start_end: true };
    expect(readCheckpointConfig({ ...TINY_ORIGINAL_CONFIG, ...said }).vision).toBeUndefined();
  });

  test("may name the layer and the part of the tower that the reference never looks up", () => {
    const said = { mm_vision_select_layer: -1, mm_vision_select_feature: "cls_patch" };
    expect(readCheckpointConfig({ ...TINY_CONFIG, ...said })).toEqual(
      readCheckpointConfig(TINY_CONFIG),
    );
  });

  test("with a window that is switched off, or of full attention throughout, passes", () => {
    const said = {
      ...{ sliding_window: 4096, use_sliding_window: false },
      ...{ layer_types: ["full_attention", "full_attention"], num_experts: 0 },
    };
    expect(readCheckpointConfig({ ...TINY_CONFIG, ...said })).toEqual(
      readCheckpointConfig(TINY_CONFIG),
    );
  });

  test("of original code derives what it leaves out from ratios, and shares keys where it says so", () => {
    const { language } = readCheckpointConfig({
      ...TINY_ORIGINAL_CONFIG,
      ...{ mlp_hidden_size: null, mlp_ratio: 4, n_kv_heads: null, multi_query_attention: true },
    });
    expect(language).toMatchObject({ intermediateSize: 256, keyValueHeads: 1 });
  });

  test("gives the chat to a model with eyes a system message, and none to a text-only one", () => {
    expect(readCheckpointConfig(TINY_CONFIG).systemPrompt).toBe(DEFAULT_SYSTEM_PROMPT);
    expect(readCheckpointConfig(TINY_ORIGINAL_CONFIG).systemPrompt).toBe("");
    const own = { ...TINY_ORIGINAL_CONFIG, system_prompt: "Be brief." };
    expect(readCheckpointConfig(own).systemPrompt).toBe("Be brief.");
  });

  test("of the reference cases lists its pinpoints one by one", () => {
    const text = readFileSync("test/fixtures/reference/tiny-a/config.json", "utf8");
    const { image, vision, endOfText } = readCheckpointConfig(JSON.parse(text));
    expect(image?.gridPinpoints).toHaveLength(36);
    expect(image?.gridPinpoints[1]).toEqual([56, 112]);
    expect(vision).toMatchObject({ layers: 2 });
    expect(endOfText).toBe(129);
  });

  test("may say that there is no system message", () => {
    expect(readCheckpointConfig({ ...TINY_CONFIG, system_prompt: "" }).systemPrompt).toBe("");
  });

  test("knows pad, and anyres without a limit, which never shrinks", () => {
    const pad = readCheckpointConfig({ ...TINY_CONFIG, image_aspect_ratio: "pad" });
    expect(pad.image).toMatchObject({ aspect: "pad", maxTiles: 1 });
    const anyres = readCheckpointConfig({ ...TINY_CONFIG, image_aspect_ratio: "anyres" });
    expect(anyres.image).toMatchObject({ aspect: "anyres", maxTiles: 4 });
  });

  test.each<[string, object]>([
    ["in rope_parameters", { rope_parameters: { rope_type: "default", rope_theta: 10_000 } }],
    ["in rope_scaling", { rope_scaling: { type: "default", rope_theta: 10_000 } }],
    ["where it always stood, beside a scaling of none", rotary(10_000, { type: "default" })],
    ["twice and the same", { ...rotary(10_000, {}), rope_parameters: { rope_theta: 10_000 } }],
  ])("may say rope_theta %s", (_, said) => {
    const { rope_theta: _old, ...config } = TINY_CONFIG;
    const { language } = readCheckpointConfig({ ...config, ...said });
    expect(language.ropeTheta).toBe(10_000);
  });

  test.each<[object, string]>([
    [{ rope_scaling: { type: "linear", factor: 2 } }, 'rope_scaling type "linear"'],
    [{ rope_scaling: { rope_type: "yarn", factor: 4 } }, 'rope_scaling rope_type "yarn"'],
    [{ rope_parameters: { rope_type: "llama3" } }, 'rope_parameters rope_type "llama3"'],
    [
      { rope_scaling: { type: "default", mrope_section: [16, 24, 24] } },
      "rope_scaling mrope_section [16,24,24]",
    ],
    [
      { rope_parameters: { rope_type: "default", partial_rotary_factor: 0.25 } },
      "rope_parameters partial_rotary_factor 0.25",
    ],
    [
      { rope_parameters: { full_attention: { rope_type: "default" } } },
      'rope_parameters full_attention {"rope_type":"default"}',
    ],
  ])("with positions that turn otherwise, %j, is refused by name", (change, words) => {
    expect(() => readCheckpointConfig({ ...TINY_CONFIG, ...change })).toThrow(
      expect.objectContaining({
        code: "checkpoint_unsupported",
        message: `config.json asks for what this engine does not compute: ${words}`,
      }),
    );
  });

  test.each<[string, object, string]>([
    ["no rope_theta", { rope_theta: null }, "checkpoint_invalid"],
    ["two that differ", { rope_parameters: { rope_theta: 10_000 } }, "checkpoint_invalid"],
    ["another image policy", { image_aspect_ratio: "crop" }, "checkpoint_unsupported"],
    ["heads that do not divide", { num_attention_heads: 5 }, "checkpoint_invalid"],
    ["no width", { hidden_size: undefined }, "checkpoint_invalid"],
    ["a width beyond reason", { hidden_size: 1e12 }, "checkpoint_invalid"],
    ["ten thousand grids", { image_grid_pinpoints: "(1x1),...,(99x99)" }, "checkpoint_invalid"],
    ["pinpoints that say nothing", { image_grid_pinpoints: "all" }, "checkpoint_invalid"],
    ["anyres without pinpoints", { image_grid_pinpoints: null }, "checkpoint_invalid"],
  ])("with %s is refused", (_, change, code) => {
    expect(() => readCheckpointConfig({ ...TINY_CONFIG, ...change })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test("that is no object is refused", () => {
    expect(() => readCheckpointConfig(null)).toThrow(
      expect.objectContaining({ code: "checkpoint_invalid" }),
    );
  });
});
