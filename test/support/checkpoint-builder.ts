import { stageNames } from "#domain/bundle.ts";
import { elementCount, type Shape } from "#domain/tensor.ts";
import { readCheckpointConfig } from "#weights/checkpoint/architecture.ts";
import { stageTensors } from "#weights/layout.ts";
import { memoryStore, type ObjectStore } from "#weights/object-store.ts";

/** A tensor to be written. Values repeat a short pattern unless they are given. */
export interface BuiltTensor {
  readonly shape: Shape;
  readonly values?: readonly number[];
}

/** A small LLaDA-V-shaped config.json in the Hugging Face port's keys, like the reference's own. */
export const TINY_CONFIG: Readonly<Record<string, unknown>> = {
  model_type: "llava_llada",
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 96,
  vocab_size: 1024,
  rope_theta: 500_000,
  rms_norm_eps: 1e-5,
  hidden_act: "silu",
  bos_token_id: 128_000,
  eos_token_id: 641,
  max_position_embeddings: 512,
  mm_vision_tower: "some/siglip",
  mm_projector_type: "mlp2x_gelu",
  image_aspect_ratio: "anyres_max_4",
  image_grid_pinpoints: "(1x1),...,(2x2)",
  vision_config: {
    hidden_size: 48,
    intermediate_size: 80,
    num_hidden_layers: 3,
    num_attention_heads: 3,
    image_size: 56,
    patch_size: 14,
  },
};

/** The same network without eyes, in the keys of the original LLaDA code. */
export const TINY_ORIGINAL_CONFIG: Readonly<Record<string, unknown>> = {
  model_type: "llada",
  d_model: 64,
  n_layers: 2,
  n_heads: 4,
  n_kv_heads: 2,
  mlp_hidden_size: 96,
  vocab_size: 1024,
  embedding_size: 1024,
  max_sequence_length: 512,
  rope_theta: 500_000,
  activation_type: "silu",
  eos_token_id: 641,
};

const VISION_PREFIX = "model.vision_tower.vision_tower.vision_model.";

/** Lists every tensor that a checkpoint of that config has, under its Hugging Face names. */
export function tensorsOf(config: Readonly<Record<string, unknown>>): Map<string, BuiltTensor> {
  const { language, vision, image } = readCheckpointConfig(config);
  const special = {
    mask: 0,
    beginOfText: 0,
    endOfText: 0,
    startHeader: 0,
    endHeader: 0,
    endOfTurn: 0,
  };
  const architecture = {
    language,
    ...(vision === undefined || image === undefined ? {} : { vision, image }),
    prompt: { systemPrompt: "", maxPromptLength: 1 },
    special,
    logitsColumns: 1,
  };
  const tensors = new Map<string, BuiltTensor>();
  for (const stage of stageNames(architecture)) {
    for (const { name, shape } of stageTensors(architecture, stage)) {
      tensors.set(huggingFaceName(stage, name), { shape });
    }
  }
  return tensors;
}

/** Renames tensors of the language tower to the original LLaDA code's names. */
export function withOriginalNames(
  tensors: ReadonlyMap<string, BuiltTensor>,
): Map<string, BuiltTensor> {
  const layer: Record<string, string> = {
    input_layernorm: "attn_norm",
    "self_attn.q_proj": "q_proj",
    "self_attn.k_proj": "k_proj",
    "self_attn.v_proj": "v_proj",
    "self_attn.o_proj": "attn_out",
    post_attention_layernorm: "ff_norm",
    "mlp.gate_proj": "ff_proj",
    "mlp.up_proj": "up_proj",
    "mlp.down_proj": "ff_out",
  };
  const single: Record<string, string> = {
    "model.embed_tokens.weight": "model.transformer.wte.weight",
    "model.norm.weight": "model.transformer.ln_f.weight",
    "lm_head.weight": "model.transformer.ff_out.weight",
  };
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const inner = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name);
      const renamed =
        inner === null
          ? single[name]
          : `model.transformer.blocks.${inner[1]}.${layer[inner[2] ?? ""]}.weight`;
      return [renamed ?? name, tensor];
    }),
  );
}

/** Writes a safetensors file of f32 tensors. */
export function safetensorsFile(
  tensors: ReadonlyMap<string, BuiltTensor>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, { shape }] of tensors) {
    const bytes = elementCount(shape) * 4;
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const data = new Float32Array(end / 4);
  let filled = 0;
  for (const { shape, values } of tensors.values()) {
    const count = elementCount(shape);
    for (let index = 0; index < count; index++) {
      data[filled + index] = values?.[index] ?? (((filled + index) * 37) % 101) / 100 - 0.5;
    }
    filled += count;
  }
  return rawSafetensors(JSON.stringify(header), new Uint8Array(data.buffer));
}

/** Puts any header text in front of any bytes, with a length field that is right unless another is given. */
export function rawSafetensors(
  header: string,
  data: Uint8Array = new Uint8Array(),
  claimedLength?: bigint,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.byteLength + data.byteLength);
  new DataView(file.buffer).setBigUint64(0, claimedLength ?? BigInt(text.byteLength), true);
  file.set(text, 8);
  file.set(data, 8 + text.byteLength);
  return file;
}

/** Puts files into a store of their own; strings as text, other plain values as JSON. */
export async function storeOf(files: Readonly<Record<string, unknown>>): Promise<ObjectStore> {
  const store = memoryStore();
  for (const [name, content] of Object.entries(files)) {
    const bytes =
      content instanceof Uint8Array
        ? content
        : new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
    await store.put(name, bytes);
  }
  return store;
}

function huggingFaceName(stage: string, name: string): string {
  if (stage === "vision") return VISION_PREFIX + name;
  if (stage === "projector") {
    return name === "image_newline" ? "model.image_newline" : `model.mm_projector.${name}`;
  }
  if (stage === "embed") return "model.embed_tokens.weight";
  if (stage === "head") return name === "weight" ? "lm_head.weight" : "model.norm.weight";
  return `model.layers.${Number(stage.slice("layer-".length))}.${name}`;
}
