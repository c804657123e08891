import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { answerTokens, openCanvas, write } from "#model/decode/canvas.ts";
import { type DecodePolicy, referencePolicy, servicePolicy } from "#model/decode/policy.ts";
import { fakeEngine, fakeSpecial } from "../../support/fake-engine.ts";

const { mask } = fakeSpecial;
const { signal } = new AbortController();

/** Prompt vectors that differ from the mask's, [5, 1], by these amounts in the second coordinate. */
function open(differences: readonly number[], policy: DecodePolicy) {
  const data = Float32Array.from(differences.flatMap((difference) => [mask, 1 + difference]));
  const promptPD = tensor([differences.length, 2], data);
  return openCanvas(
    fakeEngine(() => []),
    promptPD,
    2,
    [mask, 40],
    policy,
    signal,
  );
}

describe("openCanvas", () => {
  test("lays out prompt, masks and suffix, of which the canvas alone is to be written", async () => {
    const canvas = await open([0.5], servicePolicy);
    expect(canvas.embeddingsSD).toEqual(
      tensor([5, 2], Float32Array.of(mask, 1.5, mask, 1, mask, 1, mask, 1, 40, 1)),
    );
    expect([...canvas.masked]).toEqual([0, 1, 1, 0, 0]);
    expect(answerTokens(canvas)).toEqual([mask, mask, mask, 40]);
  });

  test("by value, a prompt vector within 1e-5 of the mask's in every coordinate is masked", async () => {
    const canvas = await open([0, 5e-6, -5e-6, 2e-5], referencePolicy);
    expect([...canvas.masked]).toEqual([1, 1, 1, 0, 1, 1, 0, 0]);
  });

  test("when serving no prompt vector is masked, whatever its value", async () => {
    const canvas = await open([0], servicePolicy);
    expect(canvas.masked[0]).toBe(0);
  });
});

describe("write", () => {
  test("a token whose vector is the mask's stays a hole by value only", async () => {
    const row = Float32Array.of(mask, 1);
    const byValue = await open([1], referencePolicy);
    write(byValue, 1, 41, row, referencePolicy);
    expect([byValue.masked[1], byValue.tokens[0]]).toEqual([1, 41]);
    const served = await open([1], servicePolicy);
    write(served, 1, 41, row, servicePolicy);
    expect([served.masked[1], served.tokens[0]]).toEqual([0, 41]);
  });

  test("a position in the prompt changes its vector and no token of the answer", async () => {
    const canvas = await open([0], referencePolicy);
    write(canvas, 0, 41, Float32Array.of(41, 1), referencePolicy);
    expect([...canvas.embeddingsSD.data.subarray(0, 2)]).toEqual([41, 1]);
    expect([...canvas.tokens]).toEqual([mask, mask]);
  });
});
