import { describe, expect, test } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { micros } from "#domain/micros.ts";
import { payFor } from "#edge/jobs/payment.ts";
import { relayAnswer } from "#edge/jobs/relay.ts";
import type { Capture } from "#edge/ledger/ledger.ts";
import { answerBody } from "#wire/responses.ts";
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
  const ledger = {
    capture: async ({ charge }: Capture) => ({ charged: charge }),
    release: async () => {},
  };
  const paid = payFor(told(events), {
    ledger,
    holdId: job.jobId,
    price: micros(0),
    priceOfSteps: () => micros(0),
    isRepeatable: false,
    bodyOf: (completed, charged) => answerBody(completed, job, charged),
    onSettled: () => {},
  });
  return await new Response(relayAnswer(paid, job.jobId, request, () => {})).text();
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
