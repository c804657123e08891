import { describe, expect, test } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { relayAnswer } from "#edge/jobs/relay.ts";
import recording from "../../fixtures/answer.sse?raw";
import failedRecording from "../../fixtures/answer-failed.sse?raw";
import { failures, story, told } from "../../support/edge-builders.ts";

const job = {
  jobId: "ans_0Kb3nV7cQ2xY9mTgA4hZw",
  model: "unmask-demo",
  modelDigest: "ab".repeat(32),
  createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
};
const request = { requestId: "req_1Qv8sLm2Xo5Rt7Yk0Nc4B", instance: "/v1/answers" };

async function relayed(events: readonly AnswerEvent[]): Promise<string> {
  return await new Response(relayAnswer(told(events), job, request, () => {})).text();
}

describe("the recorded streams, which clients are tested with,", () => {
  test("are what the edge tells of a completed answer, to the byte", async () => {
    expect(await relayed(story)).toBe(recording);
  });

  test("are what the edge tells of an answer that fails on the way, to the byte", async () => {
    const failed: AnswerEvent = { kind: "answer.failed", failure: failures.function_timeout };
    expect(await relayed([...story.slice(0, 2), failed])).toBe(failedRecording);
  });
});
