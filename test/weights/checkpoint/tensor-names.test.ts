import { describe, expect, test } from "vitest";
import { placeTensor } from "#weights/checkpoint/tensor-names.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";

const architecture = synthArchitecture("tiny"); // two vision layers run; the checkpoint has a third

describe("a tensor's name", () => {
  test.each([
    ["model.layers.11.self_attn.q_proj.weight", "layer-11", "self_attn.q_proj.weight"],
    ["model.transformer.blocks.3.ff_proj.weight", "layer-03", "mlp.gate_proj.weight"],
    ["model.transformer.blocks.3.ff_out.weight", "layer-03", "mlp.down_proj.weight"],
    ["model.transformer.ff_out.weight", "head", "weight"],
    ["lm_head.weight", "head", "weight"],
    ["model.transformer.ln_f.weight", "head", "norm.weight"],
    ["model.transformer.wte.weight", "embed", "weight"],
    ["model.mm_projector.2.bias", "projector", "2.bias"],
    ["model.image_newline", "projector", "image_newline"],
    [
      "model.vision_tower.vision_tower.vision_model.encoder.layers.1.mlp.fc1.bias",
      "vision",
      "encoder.layers.1.mlp.fc1.bias",
    ],
    [
      "vision_model.embeddings.patch_embedding.weight",
      "vision",
      "embeddings.patch_embedding.weight",
    ],
  ])("%s belongs to %s", (name, stage, inner) => {
    expect(placeTensor(name, architecture)).toEqual({ kind: "stage", stage, name: inner });
  });

  test.each([
    "model.vision_tower.vision_tower.vision_model.encoder.layers.2.mlp.fc1.bias",
    "model.vision_tower.vision_tower.vision_model.post_layernorm.weight",
    "model.vision_tower.vision_tower.vision_model.head.probe",
    "model.layers.0.self_attn.rotary_emb.inv_freq",
  ])("%s is ignored, as the reference never uses it", (name) => {
    expect(placeTensor(name, architecture)).toEqual({ kind: "ignored" });
  });

  test.each(["lora.weight", "constructor", "model.transformer.blocks.0.surprise.weight"])(
    "%s is unknown",
    (name) => {
      expect(placeTensor(name, architecture)).toEqual({ kind: "unknown" });
    },
  );

  test("a vision tensor in a checkpoint without eyes is unknown, never silently dropped", () => {
    expect(placeTensor("vision_model.head.probe", {})).toEqual({ kind: "unknown" });
  });
});
