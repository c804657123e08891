import type { Message } from "#domain/question.ts";
import type { Tokenizer } from "#model/text/tokenizer.ts";

/** Special tokens of the fake vocabulary, in the order of their ids. */
const specials = [
  "<|endoftext|>",
  "<|startoftext|>",
  "<|start_header_id|>",
  "<|end_header_id|>",
  "<|eot_id|>",
  "<|mdm_mask|>",
];

/** First id that stands for a byte of UTF-8: byte b is id FIRST_BYTE + b. */
export const FIRST_BYTE = 16;

/** A byte-level tokenizer without merges: six special tokens, then one id per byte. */
export const fakeTokenizer: Tokenizer = {
  size: FIRST_BYTE + 256,
  specialTokens: new Map(specials.map((text, id) => [text, id])),
  encode(text) {
    const pattern = new RegExp(`(${specials.map((word) => RegExp.escape(word)).join("|")})`);
    return text.split(pattern).flatMap((piece) => {
      const special = specials.indexOf(piece);
      if (special >= 0) return [special];
      return Array.from(new TextEncoder().encode(piece), (byte) => FIRST_BYTE + byte);
    });
  },
  bytesOf: (id) => (id < FIRST_BYTE ? undefined : Uint8Array.of(id - FIRST_BYTE)),
  decode(ids, keepSpecial = false) {
    const bytes = ids.flatMap((id) => {
      if (id >= FIRST_BYTE) return [id - FIRST_BYTE];
      return keepSpecial ? [...new TextEncoder().encode(specials[id] ?? "")] : [];
    });
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  },
};

/** LLaDA's chat template by hand. */
export function fakeTemplate(messages: readonly Message[]): string {
  const turns = messages.map(
    ({ role, text }) => `<|start_header_id|>${role}<|end_header_id|>\n\n${text.trim()}<|eot_id|>`,
  );
  return `<|startoftext|>${turns.join("")}<|start_header_id|>assistant<|end_header_id|>\n\n`;
}
