import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import {
  type AnsweredJob,
  answerBody,
  answerSchema,
  modelListBody,
  modelListSchema,
} from "#wire/responses.ts";
import { functionStatusSchema, type ModelCard, modelCardSchema } from "#wire/status.ts";
import { story } from "../support/edge-builders.ts";

const completed = story.find((event) => event.kind === "answer.completed");

describe("a completed answer", () => {
  test("is told with what it took and which weights gave it", () => {
    if (completed === undefined) throw new Error("the story has no end");
    const job: AnsweredJob = {
      jobId: "ans_1",
      status: "completed",
      digest: completed.digest,
      endedAt: Date.UTC(2026, 0, 2, 3, 4, 6),
      error: null,
      model: "demo",
      modelDigest: "ab".repeat(32),
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    };
    const body = answerBody(completed, job, micros(1728));
    expect(answerSchema.parse(body)).toEqual({
      id: "ans_1",
      object: "answer",
      status: "completed",
      answer: "A red square.",
      confidence: 0.55,
      model: "demo",
      model_digest: "ab".repeat(32),
      digest: "cd".repeat(32),
      cached: false,
      usage: { image_vectors: 730, prompt_length: 760, canvas: 4, steps: 2, forward_passes: 2 },
      charged_micros: 1728,
      created_at: "2026-01-02T03:04:05.000Z",
      ended_at: "2026-01-02T03:04:06.000Z",
      error: null,
      tokens: [
        { text: "A", confidence: 0.5, step: 1 },
        { text: " red", confidence: 0.75, step: 1 },
        { text: " square", confidence: 1, step: 2 },
        { text: ".", confidence: 0.25, step: 2 },
      ],
    });
  });
});

const card: ModelCard = {
  id: "demo",
  digest: "ab".repeat(32),
  image: { aspect: "anyres", grid_pinpoints: [[768, 384]], max_tiles: 4 },
  max_prompt_length: 8192,
  canvas_limit: 128,
  provider: "cpu",
  format: "w8a8",
};

describe("the list of models", () => {
  test("says what a model can be asked", () => {
    const body = modelListBody([card]);
    expect(modelListSchema.parse(body)).toEqual(body);
    expect(body.data[0]).toMatchObject({
      object: "model",
      limits: { canvas: 128, prompt_length: 8192, images: 8 },
    });
  });

  test("allows no pictures to a model that reads text only", () => {
    expect(modelListBody([{ ...card, image: null }]).data[0]?.limits.images).toBe(0);
  });
});

describe("what the function says of itself", () => {
  test("may have members that this edge does not know yet", () => {
    expect(modelCardSchema.parse({ ...card, later: 1 })).toEqual(card);
    const status = {
      model: { name: "demo", version: "1", digest: "ab" },
      state: "loading",
      loaded_bytes: 1,
      total_bytes: 2,
      eta_seconds: null,
    };
    expect(functionStatusSchema.parse({ ...status, stages_done: 3 })).toEqual(status);
  });
});
