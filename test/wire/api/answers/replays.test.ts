import { describe, expect, test } from "vitest";
import {
  type DigestedAnswer,
  isDigested,
  replayBody,
  replaySchema,
} from "#wire/api/answers/replays.ts";
import { unjudged } from "../../../support/edge-builders.ts";

const answer: DigestedAnswer = {
  id: "ans_1",
  object: "answer",
  status: "completed",
  answer: "A cat",
  confidence: 0.5,
  ...unjudged,
  model: "unmask-demo",
  model_digest: "ab".repeat(32),
  numerics: "cpu/ort-1/x64-avx2/alone/ab",
  restarts: 0,
  digest: "cd".repeat(32),
  cached: false,
  usage: {
    image_vectors: 0,
    cached_image_vectors: 0,
    prompt_length: 8,
    canvas: 4,
    steps: 2,
    forward_passes: 2,
    refreshes: 2,
    rows: 24,
  },
  charged_micros: 7,
  created_at: "2026-01-02T03:04:05.000Z",
  ended_at: "2026-01-02T03:04:06.000Z",
  tokens: [
    { text: "A", confidence: 0.5, step: 1 },
    { text: " cat", confidence: 0.5, step: 2 },
  ],
  error: null,
  warnings: [],
};
const [a, cat] = answer.tokens;

function replayed(overrides: Partial<DigestedAnswer>) {
  const again = { ...answer, id: "ans_2", charged_micros: 9, ...overrides };
  return replaySchema.parse(replayBody(answer, again));
}

describe("a replay", () => {
  test("is equal by digest, and charged what the second answer was", () => {
    expect(replayed({})).toMatchObject({ equal: true, difference: null, charged_micros: 9 });
  });

  test("is not undone by confidences that differ in their last bits", () => {
    const tokens = answer.tokens.map((token) => ({ ...token, confidence: 0.500001 }));
    expect(replayed({ tokens })).toMatchObject({ equal: true, difference: null });
  });

  test.each([
    ["another text", [a, { ...cat, text: " dog" }], 1],
    ["another step", [{ ...a, step: 2 }, cat], 0],
    ["an earlier end", [a], 1],
    ["a later end", [a, cat, { text: ".", confidence: 1, step: 2 }], 2],
  ])("shows the first token that differs: %s", (_, tokens, index) => {
    const body = replayed({ tokens: tokens as DigestedAnswer["tokens"], digest: "ee".repeat(32) });
    expect(body).toMatchObject({ equal: false, difference: { index } });
    expect(body.difference?.token).toEqual(answer.tokens[index] ?? null);
    expect(body.difference?.replayed_token).toEqual(tokens[index] ?? null);
  });

  test.each([
    ["of another class", "webgpu/ort-1/nvidia-h100/alone/ab"],
    ["of a class that is not known", null],
  ])("that is not equal and %s is not comparable, and never called different", (_, numerics) => {
    const other = { numerics, digest: "ee".repeat(32), tokens: [] };
    expect(replayed(other)).toMatchObject({
      ...{ verdict: "not_comparable", equal: null, difference: null },
      ...{ numerics: answer.numerics, replayed_numerics: numerics },
    });
    expect(replayed({ numerics })).toMatchObject({ verdict: "equal", equal: true });
  });

  test("can only be had of a completed answer", () => {
    expect(isDigested(answer)).toBe(true);
    for (const status of ["queued", "running", "partial", "failed", "cancelled"] as const)
      expect(isDigested({ ...answer, status })).toBe(false);
    expect(isDigested({ ...answer, digest: null })).toBe(false);
  });
});

describe("the replay of fields", () => {
  const open = {
    type: "text",
    probability: 0.5,
    token_min: 0.5,
    p_none: null,
    truncated: false,
  } as const;
  const fieldsOf = (name: string, probability: number) => ({
    fields: { label: { ...open, value: "Acme" }, name: { ...open, value: name, probability } },
    tokens: [],
  });

  test("names the first field that reads otherwise, however sure it was", () => {
    const first: DigestedAnswer = { ...answer, ...fieldsOf("cat", 0.5) };
    const other: DigestedAnswer = { ...answer, ...fieldsOf("dog", 0.5), digest: "ce".repeat(32) };
    const body = replaySchema.parse(replayBody(first, other));
    expect(body.difference).toEqual({ index: 1, field: "name", token: null, replayed_token: null });
    const surer: DigestedAnswer = { ...other, ...fieldsOf("cat", 0.4) };
    expect(replayBody(first, surer).difference).toBeNull();
  });
});
