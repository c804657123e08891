import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stageNames } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import { type Checkpoint, openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import type { CheckpointFolder } from "#weights/checkpoint/checkpoint-folder.ts";
import { stageTensors } from "#weights/layout.ts";
import { needsOf } from "#weights/needs.ts";
import { memorySource } from "#weights/source.ts";
import { synthTokenizerFiles } from "#weights/synth/tokenizer.ts";
import {
  type BuiltTensor,
  rawSafetensors,
  tensorsOf,
  withOriginalNames,
} from "../../support/checkpoint-builder.ts";

const published = (name: string) => readFileSync(`test/fixtures/published/${name}`);
const portConfig = JSON.parse(published("llada-8b-hf-config.json").toString());
const index = JSON.parse(published("llada-8b-hf-model.safetensors.index.json").toString());

/** The original code's keys of the same network. Source: configuration_llada.py and config.json of GSAI-ML/LLaDA-8B-Instruct. */
const originalConfig = {
  model_type: "llada",
  architectures: ["LLaDAModelLM"],
  activation_type: "silu",
  block_type: "llama",
  d_model: 4096,
  n_heads: 32,
  n_kv_heads: 32,
  n_layers: 32,
  mlp_hidden_size: 12_288,
  mlp_ratio: 4,
  vocab_size: 126_464,
  embedding_size: 126_464,
  max_sequence_length: 4096,
  rope: true,
  rope_theta: 500_000,
  rms_norm_eps: 1e-5,
  layer_norm_type: "rms",
  include_bias: false,
  weight_tying: false,
  mask_token_id: 126_336,
  eos_token_id: 126_081,
  pad_token_id: 126_081,
};

/** What LLaDA-V's training writes besides. Source: llada_v_mix_ov_vw.sh and train.py of LLaDA-V; there is no `vision_config`. */
const picturedConfig = {
  ...portConfig,
  model_type: "llava_llada",
  architectures: ["LlavaLLaDAModelLM"],
  mm_vision_tower: "google/siglip2-so400m-patch14-384",
  mm_projector_type: "mlp2x_gelu",
  mm_hidden_size: 1152,
  mm_patch_merge_type: "spatial_unpad",
  mm_vision_select_layer: -2,
  mm_use_im_start_end: false,
  mm_use_im_patch_token: false,
  image_aspect_ratio: "anyres_max_4",
  image_grid_pinpoints: "(1x1),...,(6x6)",
  tokenizer_model_max_length: 16_384,
};

/**
 * A checkpoint of full size of which only the headers exist: whoever reads a number of it fails. Tensors are bfloat16, in as many
 * files as the index names, or four.
 */
function headersOnly(
  config: unknown,
  tensors: ReadonlyMap<string, BuiltTensor>,
  fileOf: (name: string, number: number) => string,
): CheckpointFolder {
  const byFile = new Map<string, [string, BuiltTensor][]>();
  for (const [number, tensor] of [...tensors].entries()) {
    const file = fileOf(tensor[0], number);
    byFile.set(file, [...(byFile.get(file) ?? []), tensor]);
  }
  const weightMap = Object.fromEntries(
    [...byFile].flatMap(([file, inside]) => inside.map(([name]) => [name, file])),
  );
  const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
  const small = new Map<string, Uint8Array>([
    ["config.json", encode(config)],
    ["model.safetensors.index.json", encode({ weight_map: weightMap })],
    ...synthTokenizerFiles(126_464),
    ["tokenizer_config.json", published("tokenizer_config.json")],
  ]);
  return {
    address: "hub",
    list: async () => [...small.keys(), ...byFile.keys()],
    async open(name) {
      const inside = byFile.get(name);
      if (inside === undefined) {
        const bytes = small.get(name);
        return bytes && memorySource(bytes);
      }
      let end = 0;
      const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
      for (const [tensor, { shape }] of inside) {
        const bytes = elementCount(shape) * 2;
        header[tensor] = { dtype: "BF16", shape, data_offsets: [end, end + bytes] };
        end += bytes;
      }
      const head = memorySource(rawSafetensors(JSON.stringify(header)));
      return { ...head, byteLength: head.byteLength + end };
    },
  };
}

function sourceBytes({ architecture, tensor }: Checkpoint): number {
  return stageNames(architecture)
    .flatMap((stage) => stageTensors(architecture, stage).map(({ name }) => tensor(stage, name)))
    .reduce((total, { bytes }) => total + bytes, 0);
}

const inFour = (_: string, number: number): string =>
  `model-0000${(number % 4) + 1}-of-00004.safetensors`;

describe("headers of what is published are understood without a weight:", () => {
  test("LLaDA-8B-Instruct in the port's names, by its own index", async () => {
    const tensors = tensorsOf(portConfig);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(index.weight_map).sort());
    const checkpoint = await openCheckpoint(
      headersOnly(portConfig, tensors, (name) => index.weight_map[name]),
    );
    expect(sourceBytes(checkpoint)).toBe(index.metadata.total_size);
    expect(checkpoint.architecture.logitsColumns).toBe(126_349);
    expect(checkpoint.architecture.decoding).toMatchObject({ suppressed: [] });
  });

  test("LLaDA-8B-Instruct and LLaDA-1.5 in the original names", async () => {
    const tensors = withOriginalNames(tensorsOf(originalConfig));
    expect([...tensors.keys()]).toContain("model.transformer.blocks.31.ff_proj.weight");
    const checkpoint = await openCheckpoint(headersOnly(originalConfig, tensors, inFour));
    expect(sourceBytes(checkpoint)).toBe(index.metadata.total_size);
    expect(checkpoint.architecture.prompt.maxPromptLength).toBe(4096);
  });

  test("LLaDA-V, whose tower's sizes stand in its code", async () => {
    const tensors = tensorsOf(picturedConfig);
    // In the files, and computed by nobody.
    const tower = "model.vision_tower.vision_tower.vision_model.";
    for (const part of ["weight", "bias"])
      tensors.set(`${tower}post_layernorm.${part}`, { shape: [1152] });
    const checkpoint = await openCheckpoint(headersOnly(picturedConfig, tensors, inFour));
    const unused = 2 * 1152 * 2;
    expect(sourceBytes(checkpoint) + unused).toBe(16_869_674_048);
    expect(checkpoint.ignored).toHaveLength(2);
    expect(checkpoint.architecture.vision).toMatchObject({ layers: 26, imageSize: 384 });
    expect(checkpoint.architecture.image).toMatchObject({ aspect: "anyres", maxTiles: 4 });
    expect(checkpoint.architecture.image?.gridPinpoints).toHaveLength(36);
  });

  test.each([
    ["w8a8", 8.9, 11.3],
    ["q4", 5.1, 7.6],
    ["f16", 16.9, 20.1],
  ] as const)(
    "LLaDA-V in %s takes %d GB of disk and %d GB of memory on a CPU",
    async (format, disk, memory) => {
      const checkpoint = await openCheckpoint(
        headersOnly(picturedConfig, tensorsOf(picturedConfig), inFour),
      );
      const needs = needsOf(checkpoint.architecture, { format });
      expect(needs.bundleBytes / 1e9).toBeCloseTo(disk, 0);
      expect(needs.servingBytes / 1e9).toBeCloseTo(memory, 0);
    },
  );
});
