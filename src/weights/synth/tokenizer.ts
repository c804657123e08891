import type { SpecialTokens } from "#domain/architecture.ts";
import { BYTE_CHARACTERS } from "#domain/byte-characters.ts";
import { DEFAULT_CHAT_TEMPLATE, SPECIAL_TOKEN_TEXTS } from "../checkpoint/special-tokens.ts";

/** Rows of LLaDA's vocabulary behind its first added token: 126,464 − 126,080. A smaller vocabulary keeps the distance. */
const ROWS_FROM_FIRST_ADDED = 384;

/** Returns the id of the first added token in a vocabulary of that many rows; at least 640 rows leave room for the bytes. */
export function firstAddedToken(vocabSize: number): number {
  return vocabSize - ROWS_FROM_FIRST_ADDED;
}

/** Returns the ids of the special tokens in a vocabulary of that many rows. */
export function specialIds(vocabSize: number): SpecialTokens {
  const tokens = addedTokens();
  const idOf = (text: string): number => firstAddedToken(vocabSize) + tokens.indexOf(text);
  return {
    mask: idOf(SPECIAL_TOKEN_TEXTS.mask),
    beginOfText: idOf(SPECIAL_TOKEN_TEXTS.beginOfText),
    endOfText: idOf(SPECIAL_TOKEN_TEXTS.endOfText),
    startHeader: idOf(SPECIAL_TOKEN_TEXTS.startHeader),
    endHeader: idOf(SPECIAL_TOKEN_TEXTS.endHeader),
    endOfTurn: idOf(SPECIAL_TOKEN_TEXTS.endOfTurn),
  };
}

/** Lists LLaDA's 269 added tokens in the order of their ids. Source: added_tokens_decoder in its tokenizer_config.json. */
export function addedTokens(): string[] {
  const reserved = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, index) => `<|reserved_token_${from + index}|>`);
  return [
    ...["<|startoftext|>", "<|endoftext|>", "[CLS]", "[gMASK]"],
    ...reserved(0, 251),
    "<|mdm_mask|>", // stands where reserved token 252 would
    ...reserved(253, 255),
    ...["<role>", "</role>"],
    ...["<|arithmetic_start|>", "<|arithmetic_end|>", "<|number_start|>", "<|number_end|>"],
    ...["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
  ];
}

/**
 * Makes tokenizer.json and tokenizer_config.json of a byte-level tokenizer without merges: any text encodes, one token a byte.
 * Ids between the bytes and the added tokens are filled with tokens that no text encodes to, so that a random model, which
 * predicts any id, always has something to say.
 */
export function synthTokenizerFiles(
  vocabSize: number,
): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const first = firstAddedToken(vocabSize);
  const bytes = byteCharacters();
  const vocab: Record<string, number> = {};
  for (const [id, character] of bytes.entries()) vocab[character] = id;
  for (let id = bytes.length; id < first; id++) vocab[`Ġ${id.toString(36)}`] = id;
  const added = addedTokens().map((content, index) => ({
    id: first + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { ...byteLevel, use_regex: true },
    post_processor: null,
    decoder: { ...byteLevel, use_regex: true },
    model: { type: "BPE", unk_token: null, vocab, merges: [] },
  };
  const config = {
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    add_bos_token: false,
    bos_token: "<|startoftext|>",
    eos_token: "<|endoftext|>",
    pad_token: "<|endoftext|>",
    chat_template: DEFAULT_CHAT_TEMPLATE,
    clean_up_tokenization_spaces: false,
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  const encode = (json: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(json));
  return new Map([
    ["tokenizer.json", encode(tokenizer)],
    ["tokenizer_config.json", encode(config)],
  ]);
}

/** The characters that stand for the 256 bytes, in the order of GPT-2's ids: printable ones first. */
function byteCharacters(): string[] {
  return [...BYTE_CHARACTERS].sort((one, other) => one.codePointAt(0)! - other.codePointAt(0)!);
}
