import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import type { ModelCard } from "#domain/quote.ts";
import { type AnsweredJob, answerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { modelBody, modelListBody, modelListSchema } from "#wire/api/models.ts";
import {
  functionProgressSchema,
  functionStatusSchema,
  modelCardSchema,
  type ModelCard as ToldCard,
} from "#wire/function/status.ts";
import { numerics, story, unjudged, untoldByFunction } from "../../../support/edge-builders.ts";

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
      warnings: [{ kind: "system_message_dropped" }],
      model: "demo",
      modelDigest: "ab".repeat(32),
      ...{ numerics, restarts: 1 },
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    };
    const body = answerBody(completed, job, micros(1728));
    expect(answerSchema.parse(body)).toEqual({
      id: "ans_1",
      object: "answer",
      status: "completed",
      answer: "A red square.",
      confidence: 0.55,
      ...unjudged,
      model: "demo",
      model_digest: "ab".repeat(32),
      ...{ numerics, restarts: 1 },
      digest: "cd".repeat(32),
      cached: false,
      usage: {
        ...{ image_vectors: 730, prompt_length: 760, canvas: 4, steps: 2, forward_passes: 2 },
        ...{ cached_image_vectors: 0, refreshes: 1, rows: 768 },
      },
      charged_micros: 1728,
      created_at: "2026-01-02T03:04:05.000Z",
      ended_at: "2026-01-02T03:04:06.000Z",
      error: null,
      warnings: [
        {
          code: "system_message_dropped",
          message:
            "The model knows no system messages: it was not given the one that was sent. Write instructions into the question.",
        },
      ],
      tokens: [
        { text: "A", confidence: 0.5, step: 1 },
        { text: " red", confidence: 0.75, step: 1 },
        { text: " square", confidence: 1, step: 2 },
        { text: ".", confidence: 0.25, step: 2 },
      ],
    });
  });
});

const card: ToldCard = {
  id: "demo",
  digest: "ab".repeat(32),
  image: { aspect: "anyres", grid_pinpoints: [[768, 384]], max_tiles: 4 },
  max_prompt_length: 8192,
  ...untoldByFunction,
  provider: "cpu",
  format: "w8a8",
};

const own: ModelCard = {
  id: "demo",
  image: null,
  abilities: {
    canvas: { standard: 16, recommended: 64, limit: 256 },
    ...{ systemMessages: false, severalPictures: false, severalTurns: true },
  },
  blockLength: 32,
  mode: "cached",
  refresh: { standard: 3, limit: 16 },
  prices: { view: 0n, linear: 0n, attention: 0n },
  hitPrice: micros(0),
};

const untold = { numerics: null, isDownloadable: true };

describe("the list of models", () => {
  test("says what a model can be asked, and on which terms it is asked here", () => {
    const body = modelListBody([modelBody(card, own, untold)]);
    expect(modelListSchema.parse(body)).toEqual(body);
    expect(body.data[0]).toMatchObject({
      object: "model",
      downloadable: true,
      canvas: { default: 16, recommended: 64, limit: 256 },
      block_length: 32,
      modes: ["exact", "cached", "fast"],
      mode: "cached",
      refresh: { default: 3, limit: 16 },
      abilities: { system_messages: false, several_pictures: false, several_turns: true },
      limits: { canvas: 256, prompt_length: 8192, images: 8 },
    });
  });

  test("allows no pictures to a model that reads text only", () => {
    expect(modelBody({ ...card, image: null }, own, untold).limits.images).toBe(0);
  });
});

describe("what the function says of itself", () => {
  test("may have members that this edge does not know yet", () => {
    expect(modelCardSchema.parse({ ...card, later: 1 })).toEqual(card);
    const { canvas_default, canvas_recommended, block_length, ...older } = card;
    expect(modelCardSchema.parse(older)).toEqual(card);
    const status = {
      model: { name: "demo", version: "1", digest: "ab" },
      state: "loading",
      loaded_bytes: 1,
      total_bytes: 2,
      eta_seconds: null,
    };
    // What one of before says nothing of: it is not known to be broken, and its arithmetic is not known.
    const untold = { replace: false, reason: null };
    expect(functionStatusSchema.parse({ ...status, stages_done: 3 })).toEqual({
      ...status,
      ...untold,
    });
    const load = { running: 1, places: 2, queued: 3, queued_steps: 96 };
    expect(functionStatusSchema.parse({ ...status, ...load })).toEqual({
      ...{ ...status, ...untold, ...load },
    });
    expect(functionProgressSchema.parse({ ...status, ...load })).toEqual({ ...status, ...untold });
  });
});
