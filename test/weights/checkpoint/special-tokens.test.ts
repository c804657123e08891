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

  test("a template in a file of its own comes before all others", () => {
    const config = { ...(parse("tokenizer_config.json", 1024) as object), chat_template: "own" };
    const facts = readTokenizerFacts(parse("tokenizer.json", 1024), config, "of the file");
    expect(facts.chatTemplate).toBe("of the file");
  });

  test("of several templates the one named default counts; without one they are refused", () => {
    const named = (name: string): object => ({
      ...(parse("tokenizer_config.json", 1024) as object),
      chat_template: [
        { name: "tool_use", template: "tools" },
        { name, template: "plain" },
      ],
    });
    const tokenizer = parse("tokenizer.json", 1024);
    expect(readTokenizerFacts(tokenizer, named("default")).chatTemplate).toBe("plain");
    expect(() => readTokenizerFacts(tokenizer, named("rag"))).toThrow(
      /templates tool_use, rag, and none named default/,
    );
  });

  const adding = {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "<|startoftext|>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
    ],
  };
  test.each<[string, object]>([
    ["alone", adding],
    ["in a sequence", { type: "Sequence", processors: [{ type: "ByteLevel" }, adding] }],
  ])(
    "a tokenizer that puts tokens around every text, %s, is refused by name",
    (_, post_processor) => {
      const tokenizer = { ...(parse("tokenizer.json", 1024) as object), post_processor };
      expect(() => readTokenizerFacts(tokenizer, parse("tokenizer_config.json", 1024))).toThrow(
        expect.objectContaining({
          code: "checkpoint_unsupported",
          message: expect.stringContaining("adds <|startoftext|> to every text"),
        }),
      );
    },
  );

  test("a post-processor that adds nothing is no matter", () => {
    const tokenizer = {
      ...(parse("tokenizer.json", 1024) as object),
      post_processor: { type: "ByteLevel", trim_offsets: true },
    };
    const config = parse("tokenizer_config.json", 1024);
    expect(readTokenizerFacts(tokenizer, config).special.mask).toBe(896);
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
