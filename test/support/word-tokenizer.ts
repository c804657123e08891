import type { Architecture } from "#domain/architecture.ts";
import type { Tokenizer } from "#model/text/tokenizer.ts";
import { fakeArchitecture } from "./fake-engine.ts";
import { FIRST_BYTE, fakeTokenizer } from "./fake-tokenizer.ts";

/** First id of a word. */
export const FIRST_WORD: number = FIRST_BYTE + 256;

/** The fake tokenizer with further tokens: words, or bytes that are no whole character, from `FIRST_WORD` on. */
export function wordTokenizer(words: readonly (string | Uint8Array)[]): Tokenizer {
  const bytes = words.map((word) =>
    typeof word === "string" ? new TextEncoder().encode(word) : word,
  );
  return {
    ...fakeTokenizer,
    size: FIRST_WORD + words.length,
    bytesOf: (id) => (id < FIRST_WORD ? fakeTokenizer.bytesOf(id) : bytes[id - FIRST_WORD]),
    decode: (ids) => {
      const byteIds = ids.flatMap((id) =>
        id < FIRST_WORD
          ? [id]
          : Array.from(bytes[id - FIRST_WORD] ?? [], (byte) => FIRST_BYTE + byte),
      );
      return fakeTokenizer.decode(byteIds);
    },
  };
}

/** The fake architecture for a vocabulary of that size. */
export function architectureFor({ size }: Tokenizer): Architecture {
  return {
    ...fakeArchitecture,
    language: { ...fakeArchitecture.language, vocabSize: size },
    logitsColumns: size,
  };
}
