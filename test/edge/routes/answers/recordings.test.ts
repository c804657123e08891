import { afterEach, expect, test, vi } from "vitest";
import recording from "../../../fixtures/answer.sse?raw";
import failedRecording from "../../../fixtures/answer-failed.sse?raw";
import { failures, story } from "../../../support/edge-builders.ts";
import { askJson, eventReply, functionReplies } from "../../function-double.ts";

afterEach(() => vi.restoreAllMocks());

/** What differs from one asking to the next, as the recordings have it. */
const SAME: readonly (readonly [RegExp, string])[] = [
  [/ans_[0-9A-Za-z]{21}/g, "ans_0Kb3nV7cQ2xY9mTgA4hZw"],
  [/req_[0-9A-Za-z]{21}/g, "req_1Qv8sLm2Xo5Rt7Yk0Nc4B"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "2026-01-02T03:04:05.000Z"],
];

test.each([
  ["a whole answer", story, recording],
  [
    "a failed one",
    [...story.slice(0, 2), { kind: "answer.failed" as const, failure: failures.function_timeout }],
    failedRecording,
  ],
])(
  "the stream of %s is, byte for byte, the recording that clients are tested with",
  async (_, events, recorded) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    functionReplies(() => eventReply(events));
    const asked = { question: "What is this?", canvas: 4, steps: 2, stream: true };
    const streamed = await (await askJson(asked)).text();
    const told = SAME.reduce((text, [changing, same]) => text.replaceAll(changing, same), streamed);
    expect(told).toBe(recorded);
  },
);
