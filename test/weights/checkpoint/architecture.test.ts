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

  test("of the reference cases lists its pinpoints one by one", () => {
    const text = readFileSync("test/fixtures/reference/tiny-a/config.json", "utf8");
    const { image, vision, endOfText } = readCheckpointConfig(JSON.parse(text));
    expect(image?.gridPinpoints).toHaveLength(36);
    expect(image?.gridPinpoints[1]).toEqual([56, 112]);
    expect(vision?.layers).toBe(2);
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

  test.each<[string, object, string]>([
    ["another activation", { hidden_act: "gelu" }, "checkpoint_unsupported"],
    ["biases", { attention_bias: true }, "checkpoint_unsupported"],
    ["scaled rotary positions", { rope_scaling: { type: "linear" } }, "checkpoint_unsupported"],
    ["another projector", { mm_projector_type: "resampler" }, "checkpoint_unsupported"],
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
