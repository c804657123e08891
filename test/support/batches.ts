import { standardKeeping } from "#edge/answers/storage/stored-answers.ts";
import type { BatchRepository } from "#edge/batches/storage/batch-repository.ts";
import { openBatchRepository } from "#edge/batches/storage/batch-repository.ts";
import type { BatchTerms } from "#edge/batches/storage/stored-batches.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Problem } from "#wire/error.ts";
import { unjudged } from "./edge-builders.ts";
import { nodeStore } from "./ledger-twin.ts";

export const HOUR = 3_600_000;

/** Terms of a batch that began at 0 and may take a day. */
export function batchTerms(overrides: Partial<BatchTerms> = {}): BatchTerms {
  return {
    id: "bat_1",
    accountId: "acc_1",
    keyId: "key_1",
    owner: null,
    poolOwner: null,
    requestId: "req_1",
    traceparent: null,
    createdAt: 0,
    deadlineAt: 24 * HOUR,
    quotedMicros: 0,
    isRepeatable: false,
    webhook: null,
    noticeId: "evt_1",
    keeping: standardKeeping,
    ...overrides,
  };
}

/** A batch of items that cost `quotes` at most. */
export function batchOf(
  quotes: readonly number[],
  now: () => number = () => 0,
  terms: Partial<BatchTerms> = {},
): BatchRepository {
  const repository = openBatchRepository(nodeStore(), now);
  for (const [index, quotedMicros] of quotes.entries())
    repository.keep(index, { customId: `item-${index}`, quotedMicros, error: null });
  const sum = quotes.reduce((total, quote) => total + quote, 0);
  repository.begin(batchTerms({ quotedMicros: sum, ...terms }));
  return repository;
}

export function problem(overrides: Partial<Problem> = {}): Problem {
  return {
    type: "/x",
    title: "x",
    status: 422,
    detail: "x",
    instance: "/v1/batches",
    code: "image_truncated",
    request_id: "req_1",
    retryable: false,
    charged_micros: 0,
    errors: [],
    ...overrides,
  };
}

/** How an answer ended. */
export function endedAnswer(
  id: string,
  status: AnswerBody["status"] = "completed",
  charged = 10,
  error: Problem | null = null,
): AnswerBody {
  return {
    id,
    object: "answer",
    status,
    answer: "A dog.",
    confidence: 0.9,
    ...unjudged,
    model: "demo",
    model_digest: null,
    numerics: null,
    restarts: 0,
    digest: null,
    cached: false,
    usage: {
      image_vectors: 0,
      cached_image_vectors: 0,
      prompt_length: 8,
      canvas: 4,
      steps: 4,
      forward_passes: 4,
      refreshes: 4,
      rows: 48,
    },
    charged_micros: charged,
    created_at: "2026-01-01T00:00:00.000Z",
    ended_at: "2026-01-01T00:00:01.000Z",
    tokens: [],
    error,
    warnings: [],
  };
}
