import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClosedReading } from "#domain/field-reading.ts";
import type { ReadOrder } from "#domain/question.ts";
import type { Picture } from "#domain/tensor.ts";
import { frame } from "#wire/codec/framing.ts";
import { pixelDigest, type ReplayTerms, replayDigest } from "#wire/function/replay-digest.ts";
import { options } from "../../support/edge-builders.ts";

interface PicturedTerms extends Omit<ReplayTerms, "pictureDigests"> {
  readonly pictures: readonly Picture[];
}

async function digestOf({ pictures, ...rest }: PicturedTerms): Promise<string> {
  const pictureDigests = await Promise.all(pictures.map(pixelDigest));
  return await replayDigest({ ...rest, pictureDigests });
}

const terms: PicturedTerms = {
  modelDigest: "ab".repeat(32),
  pictures: [{ width: 2, height: 1, pixelsHWC: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
  messages: [{ role: "user", text: "What is this?" }],
  options: options(),
  tokens: [{ position: 0, token: 10, step: 1 }],
};
const picture = terms.pictures[0];
if (picture === undefined) throw new Error("the terms have no picture");

describe("the replay digest", () => {
  test("is the same for the same terms", async () => {
    expect(await digestOf({ ...terms })).toBe(await digestOf(terms));
    expect(await digestOf(terms)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each<[string, Partial<PicturedTerms>]>([
    ["other weights", { modelDigest: "cd".repeat(32) }],
    ["one pixel", { pictures: [{ ...picture, pixelsHWC: Uint8Array.of(1, 2, 3, 4, 5, 7) }] }],
    ["the picture's sides", { pictures: [{ ...picture, width: 1, height: 2 }] }],
    ["no picture", { pictures: [] }],
    ["the question", { messages: [{ role: "user", text: "What is that?" }] }],
    ["who said it", { messages: [{ role: "system", text: "What is this?" }] }],
    [
      "which message brings the picture",
      {
        messages: [
          { role: "user", text: "What is this?" },
          { role: "user", text: "", pictures: 1 },
        ],
      },
    ],
    ["the schedule", { options: options({ steps: 4 }) }],
    ["the mode", { options: options({ mode: "cached", refresh: 1 }) }],
    ["how often the prompt is computed anew", { options: options({ refresh: 2 }) }],
    [
      "the rule of commits",
      { options: options({ commit: { rule: "entropy", bound: 0.1, gaps: [] } }) },
    ],
    ["a stop text", { options: options({ stop: ["."] }) }],
    ["a suffix instead of a stop text", { options: options({ suffix: "." }) }],
    ["a token", { tokens: [{ position: 0, token: 11, step: 1 }] }],
    ["the step that committed it", { tokens: [{ position: 0, token: 10, step: 2 }] }],
  ])("changes with %s", async (_, change) => {
    expect(await digestOf({ ...terms, ...change })).not.toBe(await digestOf(terms));
  });
});

describe("framing", () => {
  test("is injective: lists that differ anywhere are other bytes, wherever their borders lie", () => {
    const list = fc.array(fc.string({ maxLength: 6 }), { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right);
        expect(Buffer.from(frame(left)).equals(Buffer.from(frame(right)))).toBe(isSame);
      }),
    );
  });
});

describe("the replay digest of what was read", () => {
  const order: ReadOrder = {
    fields: [{ name: "dog", field: { type: "boolean", instructions: "A dog?" } }],
    abstainBelow: 0,
    onTruncate: "keep",
  };
  const closed: ClosedReading = {
    kind: "closed",
    type: "boolean",
    value: true,
    guess: true,
    probabilities: [],
    probability: 0.9,
    confidence: 0.9,
    labelMass: 0.5,
    pNone: null,
    abstained: false,
  };
  const reading: NonNullable<ReplayTerms["reading"]> = {
    order,
    style: { style: "lines" },
    fields: [{ name: "dog", reading: closed }],
  };

  test("is none of an answer in words, and the same however sure the model was to the last bit", async () => {
    const digest = await digestOf({ ...terms, reading });
    expect(digest).not.toBe(await digestOf(terms));
    const surer = [{ name: "dog", reading: { ...closed, probability: 0.9000000001 } }];
    expect(await digestOf({ ...terms, reading: { ...reading, fields: surer } })).toBe(digest);
  });

  test.each<[string, NonNullable<ReplayTerms["reading"]>]>([
    ["the style", { ...reading, style: { style: "sentence", yes: "Yes.", no: "No." } }],
    [
      "what is asked",
      { ...reading, order: { ...order, fields: [{ name: "dog", field: { type: "boolean" } }] } },
    ],
    [
      "the name",
      { ...reading, order: { ...order, fields: [{ ...order.fields[0]!, name: "cat" }] } },
    ],
    ["when it abstains", { ...reading, order: { ...order, abstainBelow: 0.5 } }],
    ["the passes", { ...reading, order: { ...order, openPasses: 1 } }],
    ["what becomes of a text", { ...reading, order: { ...order, onTruncate: "null" } }],
    ["the value", { ...reading, fields: [{ name: "dog", reading: { ...closed, value: null } }] }],
    ["the guess", { ...reading, fields: [{ name: "dog", reading: { ...closed, guess: false } }] }],
  ])("changes with %s", async (_, other) => {
    expect(await digestOf({ ...terms, reading: other })).not.toBe(
      await digestOf({ ...terms, reading }),
    );
  });
});
