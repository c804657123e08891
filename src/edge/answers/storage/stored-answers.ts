import type {
  AnswerBeginning,
  AnswerFrame,
  AnswerRestarted,
  AnswerStarted,
} from "#domain/event.ts";
import { type AnswerKeeping, keepingOf, standardRetention } from "#domain/retention.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Problem } from "#wire/error.ts";
import {
  membersOf,
  type StoredJson,
  storedJson,
  type Upgrade,
  unchanged,
  withDefaults,
} from "../../storage/stored-json.ts";
import type { AnswerTerms } from "./answer-order.ts";

/** Before questions were measured against what a model was trained for, nothing was said of it. */
const withoutWarnings: Upgrade = (value) => ({ warnings: [], ...(value as object) });

/** Before there was a mode beside `exact`, every pass computed prompt and canvas, and every picture was new. */
const withWork: Upgrade = (answer) => {
  const { usage } = answer as Pick<AnswerBody, "usage">;
  const { forward_passes: passes, prompt_length, canvas } = usage;
  const work = {
    cached_image_vectors: 0,
    refreshes: passes,
    rows: passes * (prompt_length + canvas),
  };
  return { ...(answer as object), usage: { ...work, ...usage } };
};

/** Brings the job inside `terms` up to date. Its card is used for its name and prices alone once it is taken on. */
export function withJob(terms: unknown, name: "job" | "terms"): unknown {
  const { [name]: job, ...rest } = terms as Readonly<Record<string, object>>;
  return { ...rest, [name]: withoutWarnings(job) };
}

/** How an answer was kept before anybody could say. */
export const standardKeeping: AnswerKeeping = keepingOf(standardRetention, {
  ...{ isStored: true, questionMs: null, answerMs: null },
});

/** An order without its question, which is kept as the function gets it. */
export const storedTerms: StoredJson<AnswerTerms> = storedJson({
  name: "terms of an answer",
  is: membersOf<AnswerTerms>({
    job: "object",
    keyId: "string",
    owner: ["string", "null"],
    requestId: "string",
    traceparent: ["string", "null"],
    deadlineAt: ["number", "null"],
    isRepeatable: "boolean",
    payment: "object",
    webhook: ["object", "null"],
    cacheKey: ["string", "null"],
    follows: ["object", "null"],
    isAccepted: "boolean",
    share: "number",
    hasPlace: "boolean",
    alternatives: ["number", "absent"],
    numerics: ["string", "null"],
    keeping: "object",
    response: ["object", "absent"],
    noticeId: "string",
  }),
  upgrades: [
    unchanged,
    (terms) => withJob(terms, "job"),
    withDefaults({ owner: null, follows: null, isAccepted: false, share: 1, hasPlace: true }),
    withDefaults({ numerics: null }),
    // The times of before they could be set.
    withDefaults({ keeping: standardKeeping }),
  ],
});

export const storedStart: StoredJson<AnswerBeginning> = storedJson({
  name: "the start of an answer",
  is: membersOf<AnswerStarted & Partial<Omit<AnswerRestarted, "kind">>>({
    kind: "string",
    numerics: ["string", "absent"],
    restarts: ["number", "absent"],
    previousNumerics: ["string", "null", "absent"],
    modelDigest: ["string", "absent"],
    imageVectors: "number",
    cachedImageVectors: ["number", "absent"],
    promptLength: "number",
    canvas: "number",
    steps: "number",
    trust: ["object", "absent"],
  }),
  upgrades: [unchanged],
});

export const storedFrame: StoredJson<AnswerFrame> = storedJson({
  name: "a frame",
  is: membersOf<AnswerFrame>({
    kind: "string",
    step: "number",
    reason: ["string", "absent"],
    refreshed: ["boolean", "absent"],
    rows: ["number", "absent"],
    revealed: "array",
    revised: ["array", "absent"],
    stableUntil: "number",
    turnEnd: ["number", "absent"],
    hasText: ["boolean", "absent"],
    domainScore: ["number", "absent"],
    fields: ["array", "absent"],
  }),
  upgrades: [unchanged],
});

/** An answer as it was told: in its object, in the results of a batch, and as the reply of an Idempotency-Key. */
export const storedAnswer: StoredJson<AnswerBody> = storedJson({
  name: "an answer",
  is: membersOf<AnswerBody>({
    id: "string",
    object: "string",
    status: "string",
    answer: "string",
    fields: ["object", "absent"],
    confidence: "number",
    in_domain: ["boolean", "null"],
    domain_score: ["number", "null"],
    abstained: "boolean",
    abstention: ["string", "null"],
    model: "string",
    model_digest: ["string", "null"],
    numerics: ["string", "null"],
    restarts: "number",
    digest: ["string", "null"],
    cached: "boolean",
    usage: "object",
    charged_micros: "number",
    created_at: "string",
    ended_at: ["string", "null"],
    tokens: "array",
    error: ["object", "null"],
    warnings: "array",
  }),
  upgrades: [
    unchanged,
    withoutWarnings,
    withWork,
    withDefaults({ numerics: null, restarts: 0 }),
    // What was answered before anybody asked whether its picture was of the model's world.
    withDefaults({ in_domain: null, domain_score: null, abstained: false, abstention: null }),
  ],
});

export const storedProblem: StoredJson<Problem> = storedJson({
  name: "a problem",
  is: membersOf<Problem>({
    type: "string",
    title: "string",
    status: "number",
    detail: "string",
    instance: "string",
    code: "string",
    request_id: "string",
    retryable: "boolean",
    charged_micros: "number",
    errors: "array",
    retry_after: ["number", "absent"],
  }),
  upgrades: [unchanged],
});
