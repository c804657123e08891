import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { embedPrompt, promptLength } from "#model/text/embed.ts";
import { IMAGE_SLOT } from "#model/text/prompt.ts";
import { fakeEngine } from "../../support/fake-engine.ts";

const engine = fakeEngine(() => []);
const { signal } = new AbortController();
const picture = tensor([3, 2], Float32Array.of(90, 0, 91, 0, 92, 0));

async function firsts(ids: number[], limit = 100): Promise<number[]> {
  const { data } = await embedPrompt(engine, ids, [picture], limit, signal);
  return [...data].filter((_, index) => index % 2 === 0);
}

describe("embedPrompt", () => {
  test("a slot becomes its picture's vectors in place", async () => {
    expect(await firsts([7, IMAGE_SLOT, 8])).toEqual([7, 90, 91, 92, 8]);
  });

  test("what is beyond the limit is cut off, even inside a picture", async () => {
    expect(await firsts([7, IMAGE_SLOT, 8], 3)).toEqual([7, 90, 91]);
  });

  test("a picture without a slot is left out", async () => {
    expect(await firsts([7, 8])).toEqual([7, 8]);
  });

  test("a slot without a picture is a RangeError", async () => {
    await expect(firsts([IMAGE_SLOT, IMAGE_SLOT])).rejects.toThrow(RangeError);
  });
});

describe("promptLength", () => {
  test("counts a slot as its picture's vectors", () => {
    expect(promptLength([7, IMAGE_SLOT, 8, IMAGE_SLOT], [730, 1485])).toBe(2 + 730 + 1485);
    expect(promptLength([7], [730])).toBe(1);
  });
});
