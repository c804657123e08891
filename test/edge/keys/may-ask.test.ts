import { describe, expect, test } from "vitest";
import { askJson, refusal } from "../function-double.ts";
import { newKey } from "../routes/administration.ts";

describe("a key for some models", () => {
  test("is refused for another, before anything is held or sent", async () => {
    const { key } = await newKey({ models: ["llada-v"] });
    const response = await askJson({ question: "?" }, { authorization: `Bearer ${key}` });
    expect(await refusal(response)).toMatchObject({
      status: 403,
      code: "model_forbidden",
      detail: 'This key may not ask "unmask-demo"; it may ask llada-v.',
    });
  });
});
