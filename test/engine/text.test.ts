import { describe, expect, test } from "vitest";
import { createTokenizer } from "#engine/text.ts";
import { demoLanguage } from "../support/demo-language.ts";
import { hostileTexts } from "../support/field-arbitraries.ts";

describe("a bundle's tokenizer", () => {
  test.each([
    ["a web page", "<html></html>"],
    ["a pointer to the file", "version https://git-lfs.github.com/spec/v1"],
    ["cut off", '{"model": {'],
    ["null", "null"],
  ])("whose file is %s is refused by the file's name, and is not loaded again", (_, text) => {
    const refusal = (name: string) =>
      expect.objectContaining({
        ...{ name: "WeightsError", code: "manifest_invalid" },
        message: expect.stringContaining(`the bundle's ${name} is no JSON object`),
      });
    expect(() => createTokenizer(text, "{}")).toThrow(refusal("tokenizer.json"));
    expect(() => createTokenizer("{}", text)).toThrow(refusal("tokenizer_config.json"));
  });

  test("that the library cannot use is refused with its reason", () => {
    expect(() => createTokenizer("{}", "{}")).toThrow(
      expect.objectContaining({ code: "manifest_invalid", cause: expect.any(Error) }),
    );
  });

  test("tells the bytes of each token: together they are the text, and a special token has none", () => {
    const { tokenizer } = demoLanguage();
    for (const text of [...hostileTexts, "Zwölf Boxkämpfer 日本 🐈‍⬛", "What is this?"]) {
      const own = tokenizer.encode(text).filter((id) => tokenizer.bytesOf(id) !== undefined);
      const bytes = own.flatMap((id) => [...tokenizer.bytesOf(id)!]);
      expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(tokenizer.decode(own));
    }
    for (const id of tokenizer.specialTokens.values())
      expect(tokenizer.bytesOf(id)).toBeUndefined();
    const told = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.bytesOf(id));
    expect(told.filter((bytes) => bytes === undefined)).toHaveLength(tokenizer.specialTokens.size);
  });
});
