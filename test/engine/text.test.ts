import { describe, expect, test } from "vitest";
import { createTokenizer } from "#engine/text.ts";

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
});
