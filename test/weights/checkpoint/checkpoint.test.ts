import { describe, expect, test } from "vitest";
import { checkTemplate } from "#cli/convert/template.ts";
import { type CheckpointOptions, openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { synthTokenizerFiles } from "#weights/synth/tokenizer.ts";
import {
  type BuiltTensor,
  safetensorsFile,
  storeOf,
  TINY_CONFIG,
  TINY_ORIGINAL_CONFIG,
  tensorsOf,
  withOriginalNames,
} from "../../support/checkpoint-builder.ts";

const tiny = tensorsOf(TINY_CONFIG);

async function open(
  files: Record<string, unknown>,
  options: CheckpointOptions = { idsOnly: true },
): ReturnType<typeof openCheckpoint> {
  return openCheckpoint(storedCheckpoint(await storeOf(files)), options);
}

function without(name: string): Map<string, BuiltTensor> {
  const rest = new Map(tiny);
  rest.delete(name);
  return rest;
}

describe("opening a checkpoint", () => {
  test("finds all tensors in one file, with the dropped vision layer reported", async () => {
    const extra = new Map(tiny).set("model.vision_tower.vision_model.post_layernorm.bias", {
      shape: [48],
    });
    const checkpoint = await open({
      "config.json": TINY_CONFIG,
      "model.safetensors": safetensorsFile(extra),
    });
    expect(checkpoint.ignored).toEqual(["model.vision_tower.vision_model.post_layernorm.bias"]);
    expect(checkpoint.tensor("layer-01", "mlp.up_proj.weight")).toMatchObject({
      name: "model.layers.1.mlp.up_proj.weight",
      shape: [96, 64],
    });
    expect(checkpoint.architecture.logitsColumns).toBe(1024);
    expect(checkpoint.architecture.prompt.chatTemplate).toBeUndefined();
  });

  test("follows an index over several files", async () => {
    const entries = [...tiny];
    const [first, second] = [entries.slice(0, 30), entries.slice(30)];
    const checkpoint = await open({
      "config.json": TINY_CONFIG,
      "a.safetensors": safetensorsFile(new Map(first)),
      "b.safetensors": safetensorsFile(new Map(second)),
      "not-in-the-index.safetensors": "junk",
      "model.safetensors.index.json": {
        weight_map: Object.fromEntries([
          ...first.map(([name]) => [name, "a.safetensors"]),
          ...second.map(([name]) => [name, "b.safetensors"]),
        ]),
      },
    });
    expect(checkpoint.tensor("head", "weight").fileName).toBe("b.safetensors");
  });

  test("reads the original code's names", async () => {
    const tensors = withOriginalNames(tensorsOf(TINY_ORIGINAL_CONFIG));
    const checkpoint = await open({
      "config.json": TINY_ORIGINAL_CONFIG,
      "model.safetensors": safetensorsFile(tensors),
    });
    expect(checkpoint.tensor("layer-00", "mlp.gate_proj.weight").name).toBe(
      "model.transformer.blocks.0.ff_proj.weight",
    );
    expect(checkpoint.architecture.vision).toBeUndefined();
  });

  test("takes ids and template from the tokenizer when there is one", async () => {
    const checkpoint = await open(
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(tiny),
        ...Object.fromEntries(synthTokenizerFiles(1024)),
      },
      {},
    );
    expect(checkpoint.architecture.special.mask).toBe(896);
    expect(checkpoint.architecture.logitsColumns).toBe(909);
    expect(checkpoint.architecture.prompt.chatTemplate).toContain("<|start_header_id|>");
    expect([...checkpoint.files.keys()]).toEqual(["tokenizer.json", "tokenizer_config.json"]);
  });

  test("takes the conversation's form from chat_template.jinja where there is one", async () => {
    const checkpoint = await open(
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(tiny),
        ...Object.fromEntries(synthTokenizerFiles(1024)),
        "chat_template.jinja": "{{ messages[0].content }}",
      },
      {},
    );
    expect(checkpoint.architecture.prompt.chatTemplate).toBe("{{ messages[0].content }}");
  });

  test("is refused where its template cannot be used", async () => {
    const opening = open(
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(tiny),
        ...Object.fromEntries(synthTokenizerFiles(1024)),
        "chat_template.jinja": "{% for %}",
      },
      { checkTemplate },
    );
    await expect(opening).rejects.toMatchObject({ code: "checkpoint_unsupported" });
  });

  test("uses the embedding table as head where they are tied", async () => {
    const checkpoint = await open({
      "config.json": { ...TINY_CONFIG, tie_word_embeddings: true },
      "model.safetensors": safetensorsFile(without("lm_head.weight")),
    });
    expect(checkpoint.tensor("head", "weight").name).toBe("model.embed_tokens.weight");
  });

  test("uses the embedding table even where a file holds a head that is said to be tied", async () => {
    const checkpoint = await open({
      "config.json": { ...TINY_CONFIG, tie_word_embeddings: true },
      "model.safetensors": safetensorsFile(tiny),
    });
    expect(checkpoint.tensor("head", "weight").name).toBe("model.embed_tokens.weight");
    expect(checkpoint.ignored).toEqual(["lm_head.weight"]);
  });

  test("tells how the model is decoded: a text-only one writes any id, in blocks of 32", async () => {
    const tensors = withOriginalNames(tensorsOf(TINY_ORIGINAL_CONFIG));
    const textOnly = await open({
      "config.json": TINY_ORIGINAL_CONFIG,
      "model.safetensors": safetensorsFile(tensors),
    });
    expect(textOnly.architecture.decoding).toEqual({ suppressed: [], blockLength: 32 });
    expect(textOnly.architecture.prompt.systemPrompt).toBe("");
    const seeing = await open({
      "config.json": TINY_CONFIG,
      "model.safetensors": safetensorsFile(tiny),
    });
    const { beginOfText, endOfText, startHeader, endHeader } = seeing.architecture.special;
    expect(seeing.architecture.decoding).toEqual({
      suppressed: [endOfText, beginOfText, startHeader, endHeader],
    });
  });

  test("lets options override ids", async () => {
    const files = { "config.json": TINY_CONFIG, "model.safetensors": safetensorsFile(tiny) };
    const checkpoint = await open(files, { idsOnly: true, special: { mask: 5 } });
    expect(checkpoint.architecture.special.mask).toBe(5);
  });
});

describe("a checkpoint that cannot be used is refused by name", () => {
  const good = safetensorsFile(tiny);
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ["no config", { "model.safetensors": good }, "checkpoint_invalid", /config\.json/],
    [
      "a config that is not JSON",
      { "config.json": "{", "model.safetensors": good },
      "checkpoint_invalid",
      /not JSON/,
    ],
    [
      "another mask than its tokenizer's",
      { "config.json": { ...TINY_CONFIG, mask_token_id: 5 }, "model.safetensors": good },
      "checkpoint_invalid",
      /mask_token_id is 5, but the mask is 896/,
    ],
    ["no weights", { "config.json": TINY_CONFIG }, "checkpoint_invalid", /0 safetensors files/],
    [
      "an index that points out of the folder",
      {
        "config.json": TINY_CONFIG,
        "model.safetensors.index.json": { weight_map: { a: "../x.safetensors" } },
      },
      "checkpoint_invalid",
      /plain file names/,
    ],
    [
      "an index without files",
      {
        "config.json": TINY_CONFIG,
        "model.safetensors.index.json": { weight_map: { a: "x.safetensors" } },
      },
      "checkpoint_invalid",
      /lacks x\.safetensors/,
    ],
    [
      "a tensor that is missing",
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(without("model.image_newline")),
      },
      "tensor_missing",
      /image_newline/,
    ],
    [
      "a tensor for which there is no place",
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(new Map(tiny).set("adapter", { shape: [1] })),
      },
      "tensor_unexpected",
      /adapter/,
    ],
    [
      "a layer too many",
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(
          new Map(tiny).set("model.layers.2.input_layernorm.weight", { shape: [64] }),
        ),
      },
      "tensor_unexpected",
      /layers\.2/,
    ],
    [
      "eyes that the config denies",
      {
        "config.json": { ...TINY_CONFIG, mm_vision_tower: null, vision_config: undefined },
        "model.safetensors": good,
      },
      "tensor_unexpected",
      /vision|mm_projector/,
    ],
    [
      "another shape",
      {
        "config.json": TINY_CONFIG,
        "model.safetensors": safetensorsFile(
          new Map(tiny).set("model.norm.weight", { shape: [65] }),
        ),
      },
      "tensor_shape",
      /\[65\].*\[64\]/,
    ],
    [
      "the same tensor in two files",
      { "config.json": TINY_CONFIG, "a.safetensors": good, "b.safetensors": good },
      "safetensors_duplicate_name",
      /a\.safetensors and in b\.safetensors/,
    ],
    [
      "ids outside the vocabulary",
      { "config.json": { ...TINY_CONFIG, eos_token_id: 1000 }, "model.safetensors": good },
      "checkpoint_invalid",
      /special token/,
    ],
  ])("%s", async (_, files, code, words) => {
    await expect(open(files)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words),
    });
  });

  test("no tokenizer, with the way out", async () => {
    const files = { "config.json": TINY_CONFIG, "model.safetensors": good };
    await expect(open(files, {})).rejects.toThrow(/ask for ids only/);
  });
});
