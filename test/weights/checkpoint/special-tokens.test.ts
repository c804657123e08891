import { describe, expect, test } from "vitest";
import {
  DEFAULT_CHAT_TEMPLATE,
  readTokenizerFacts,
  specialTokensFromEndOfText,
} from "#weights/checkpoint/special-tokens.ts";
import { synthTokenizerFiles } from "#weights/synth/tokenizer.ts";

const parse = (name: string, vocabSize: number): unknown =>
  JSON.parse(new TextDecoder().decode(synthTokenizerFiles(vocabSize).get(name)));

describe("special ids", () => {
  test("are found by what the tokens say, and the columns end behind the last one", () => {
    const facts = readTokenizerFacts(
      parse("tokenizer.json", 126_464),
      parse("tokenizer_config.json", 126_464),
    );
    expect(facts).toEqual({
      special: {
        beginOfText: 126_080,
        endOfText: 126_081,
        mask: 126_336,
        startHeader: 126_346,
        endHeader: 126_347,
        endOfTurn: 126_348,
      },
      logitsColumns: 126_349,
      chatTemplate: DEFAULT_CHAT_TEMPLATE,
    });
  });

  test("keep their distances from the end of text in a vocabulary without tokenizer", () => {
    const facts = readTokenizerFacts(
      parse("tokenizer.json", 1024),
      parse("tokenizer_config.json", 1024),
    );
    expect(specialTokensFromEndOfText(641)).toEqual(facts.special);
  });

  test("a tokenizer without the mask token is refused by name", () => {
    const tokenizer = { added_tokens: [{ id: 0, content: "<|endoftext|>" }], model: { vocab: {} } };
    expect(() => readTokenizerFacts(tokenizer, {})).toThrow(/<\|mdm_mask\|>/);
  });

  test("a checkpoint's own template comes before the default", () => {
    const config = { ...(parse("tokenizer_config.json", 1024) as object), chat_template: "own" };
    expect(readTokenizerFacts(parse("tokenizer.json", 1024), config).chatTemplate).toBe("own");
  });

  test.each([
    null,
    {},
    { model: {} },
    { model: { vocab: { a: -1 } } },
    { model: { vocab: { a: 1e9 } } },
  ])("a tokenizer.json like %o is refused", (tokenizer) => {
    expect(() => readTokenizerFacts(tokenizer, {})).toThrow(
      expect.objectContaining({ code: "tokenizer_invalid" }),
    );
  });
});
