import { readFileSync } from "node:fs";
import { DEFAULT_CHAT_TEMPLATE } from "#weights/checkpoint/special-tokens.ts";
import { synthTokenizerFiles } from "#weights/synth/tokenizer.ts";
import {
  safetensorsFile,
  TINY_ORIGINAL_CONFIG,
  tensorsOf,
  withOriginalNames,
} from "./checkpoint-builder.ts";

/** A repository's files by name. */
export type RepositoryFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * LLaDA-V as it is published, small: the reference's own tiny checkpoint (test/fixtures/reference), whose answers are known
 * token for token, with config.json, an index over several files, tokenizer and card. The tokenizer is the one that the reference's
 * chat cases were made with: a special token is one id, any other character of ASCII the id 130 + its code.
 */
export function referenceLladaV(): RepositoryFiles {
  return new Map([
    ...weightsOf("tiny-a"),
    ...toyTokenizerFiles(),
    ...besides("LLaDA-V", "A checkpoint with the layout of LLaDA-V and random weights, 2 layers."),
  ]);
}

/** The same layout with the published sizes where they can be small: bfloat16, the whole vocabulary of 126,464 rows, views of 384 pixels. */
export function publishedLladaV(): RepositoryFiles {
  return new Map([
    ...weightsOf("tiny-real"),
    ...synthTokenizerFiles(126_464),
    ["tokenizer_config.json", published("tokenizer_config.json")],
    ...besides("LLaDA-V", "A checkpoint with the layout and vocabulary of LLaDA-V, 1 layer."),
  ]);
}

/** LLaDA-8B-Instruct and LLaDA-1.5 as they are published, small: the original code's keys and tensor names, no vision tower. */
export function publishedLlada(name: "LLaDA-8B-Instruct" | "LLaDA-1.5"): RepositoryFiles {
  const tensors = [...withOriginalNames(tensorsOf(TINY_ORIGINAL_CONFIG))];
  const half = Math.ceil(tensors.length / 2);
  const parts = [tensors.slice(0, half), tensors.slice(half)];
  const fileName = (part: number) => `model-0000${part + 1}-of-0000${parts.length}.safetensors`;
  const weightMap = parts.flatMap((part, index) => part.map(([key]) => [key, fileName(index)]));
  return new Map([
    ["config.json", json(TINY_ORIGINAL_CONFIG)],
    ...parts.map((part, index) => [fileName(index), safetensorsFile(new Map(part))] as const),
    [
      "model.safetensors.index.json",
      json({ metadata: {}, weight_map: Object.fromEntries(weightMap) }),
    ],
    ...synthTokenizerFiles(1024),
    ...besides(name, "A checkpoint with the layout of LLaDA and made-up weights, 2 layers."),
  ]);
}

function weightsOf(checkpoint: "tiny-a" | "tiny-real"): [string, Uint8Array<ArrayBuffer>][] {
  return [
    "config.json",
    "model.safetensors.index.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
  ].map((name) => [name, read(`test/fixtures/reference/${checkpoint}/${name}`)]);
}

/** What lies in the repository besides and is not needed to run it, but for the card. */
function besides(name: string, says: string): [string, Uint8Array<ArrayBuffer>][] {
  const card = `---\nlicense: apache-2.0\npipeline_tag: image-text-to-text\n---\n\n# ${name}\n\n${says} A stand-in for tests.\n`;
  return [
    ["README.md", new TextEncoder().encode(card)],
    [
      ".gitattributes",
      new TextEncoder().encode("*.safetensors filter=lfs diff=lfs merge=lfs -text\n"),
    ],
    ["generation_config.json", published("llada-8b-hf-generation_config.json")],
    ["special_tokens_map.json", published("special_tokens_map.json")],
  ];
}

/** Ids of the reference's chat cases; `special_ids` in their case.json. */
const TOY_SPECIAL: readonly (readonly [number, string])[] = [
  [128, "<|startoftext|>"],
  [129, "<|endoftext|>"],
  [384, "<|mdm_mask|>"],
  [394, "<|start_header_id|>"],
  [395, "<|end_header_id|>"],
  [396, "<|eot_id|>"],
];
const TOY_SIZE = 512;
const TOY_FIRST_CHARACTER = 130;

/** A byte-level tokenizer without merges whose ids are the chat cases'. Ids that no text has are tokens all the same, so that all can be read. */
function toyTokenizerFiles(): [string, Uint8Array<ArrayBuffer>][] {
  const special = new Set(TOY_SPECIAL.map(([id]) => id));
  const vocab: Record<string, number> = {};
  const taken = new Set(special);
  for (let byte = 0; byte < 128; byte++) {
    vocab[characterOf(byte)] = TOY_FIRST_CHARACTER + byte;
    taken.add(TOY_FIRST_CHARACTER + byte);
  }
  const free = Array.from({ length: TOY_SIZE }, (_, id) => id).filter((id) => !taken.has(id));
  for (let byte = 128; byte < 256; byte++) vocab[characterOf(byte)] = free.shift() ?? 0;
  for (const id of free) vocab[`Ġ${id}`] = id;
  const added = TOY_SPECIAL.map(([id, content]) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false },
    ...{ normalized: false, special: true },
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  const tokenizer = {
    ...{ version: "1.0", truncation: null, padding: null, added_tokens: added, normalizer: null },
    pre_tokenizer: { ...byteLevel, use_regex: true },
    post_processor: null,
    decoder: { ...byteLevel, use_regex: true },
    model: { type: "BPE", unk_token: null, vocab, merges: [] },
  };
  const config = {
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    ...{ bos_token: "<|startoftext|>", eos_token: "<|endoftext|>", pad_token: "<|endoftext|>" },
    chat_template: DEFAULT_CHAT_TEMPLATE,
    clean_up_tokenization_spaces: false,
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  return [
    ["tokenizer.json", json(tokenizer)],
    ["tokenizer_config.json", json(config)],
  ];
}

/** The character that stands for a byte. Source: bytes_to_unicode in encoder.py of GPT-2. */
function characterOf(byte: number): string {
  const isPrintable = (one: number) =>
    (one >= 0x21 && one <= 0x7e) || (one >= 0xa1 && one <= 0xff && one !== 0xad);
  if (isPrintable(byte)) return String.fromCodePoint(byte);
  let others = 0;
  for (let before = 0; before < byte; before++) if (!isPrintable(before)) others += 1;
  return String.fromCodePoint(0x100 + others);
}

function published(name: string): Uint8Array<ArrayBuffer> {
  return read(`test/fixtures/published/${name}`);
}

function read(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(file));
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
