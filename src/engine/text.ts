import { Template } from "@huggingface/jinja";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { BYTE_CHARACTERS } from "#domain/byte-characters.ts";
import type { Message } from "#domain/question.ts";
import type { Tokenizer } from "#model/text/tokenizer.ts";
import { WeightsError } from "#weights/weights-error.ts";

/**
 * Builds the tokenizer from the bundle's own files, so that nothing about a vocabulary is assumed.
 * @param tokenizerJson the text of tokenizer.json
 * @param tokenizerConfigJson the text of tokenizer_config.json
 * @throws WeightsError `manifest_invalid` if a file is not JSON, or the library cannot use it
 */
export function createTokenizer(tokenizerJson: string, tokenizerConfigJson: string): Tokenizer {
  const library = openLibrary(
    parsed("tokenizer.json", tokenizerJson),
    parsed("tokenizer_config.json", tokenizerConfigJson),
  );
  const specialTokens = new Map<string, number>();
  for (const [id, token] of library.get_added_tokens_decoder())
    specialTokens.set(token.content, id);
  const ids = [...library.get_vocab().values(), ...specialTokens.values()];
  const bytes = tokenBytes(library.get_vocab(), specialTokens);
  return {
    size: ids.reduce((highest, id) => Math.max(highest, id), -1) + 1,
    specialTokens,
    bytesOf: (id) => bytes.get(id),
    encode: (text) => [...library.encode(text, { add_special_tokens: false }).ids],
    decode: (tokens, keepSpecial = false) => {
      if (tokens.length === 0) return ""; // the library refuses an empty list
      return library.decode([...tokens], {
        skip_special_tokens: !keepSpecial,
        clean_up_tokenization_spaces: false,
      });
    },
  };
}

/** The bytes of each token that is text, in a byte-level vocabulary. */
function tokenBytes(
  vocabulary: ReadonlyMap<string, number>,
  specialTokens: ReadonlyMap<string, number>,
): ReadonlyMap<number, Uint8Array> {
  const byCharacter = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));
  const bytes = new Map<number, Uint8Array>();
  for (const [token, id] of vocabulary) {
    if (specialTokens.has(token)) continue;
    const values = Array.from(token, (character) => byCharacter.get(character));
    if (values.every((value) => value !== undefined)) bytes.set(id, Uint8Array.from(values));
  }
  return bytes;
}

function openLibrary(tokenizer: object, config: object): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(tokenizer, config);
  } catch (cause) {
    const message = "the bundle's tokenizer.json cannot be used with its tokenizer_config.json";
    throw new WeightsError("manifest_invalid", message, { cause });
  }
}

/** The digest of a bundle's file is right by now: what is wrong here was wrong in the checkpoint, and loading again does not mend it. */
function parsed(name: string, text: string): object {
  let cause: unknown;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch (fault) {
    cause = fault;
  }
  const message = `the bundle's ${name} is no JSON object: convert the checkpoint again from a whole copy of it`;
  throw new WeightsError("manifest_invalid", message, { cause });
}

/**
 * Compiles a checkpoint's chat template into a renderer of conversations.
 * @param beginOfText what `bos_token` stands for in the template
 * @throws Error if the template is no valid Jinja
 */
export function createTemplateRenderer(
  source: string,
  beginOfText: string,
): (messages: readonly Message[]) => string {
  const template = new Template(source);
  return (messages) =>
    template.render({
      messages: messages.map(({ role, text }) => ({ role, content: text })),
      bos_token: beginOfText,
      add_generation_prompt: true,
    });
}
