import { UNTOLD_ABILITIES } from "#domain/abilities.ts";
import type { CanvasToken } from "#domain/answer-text.ts";
import type { AnswerEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { modeTerms, STANDARD_MODE, UNTOLD_REFRESH } from "#domain/modes.ts";
import type { AnswerOptions, Question } from "#domain/question.ts";
import type { AskedCard } from "#wire/api/answers/options.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";

/** Of a model's card, as the edge has it, what its maker said nothing of. */
export const untold: AskedCard = {
  abilities: UNTOLD_ABILITIES,
  blockLength: null,
  mode: STANDARD_MODE,
  refresh: UNTOLD_REFRESH,
};

/** The same as a function tells it. */
export const untoldByFunction = {
  ...{ canvas_default: 32, canvas_recommended: 128, canvas_limit: 512, block_length: null },
  ...{ system_messages: true, several_pictures: true, several_turns: true },
};

/** What an answer says of whether it can be relied on, where its model's maker says nothing of that. */
export const unjudged = {
  ...{ in_domain: null, domain_score: null, abstained: false, abstention: null },
} as const;

/** The header of a PNG of 8 by 8 pixels: enough for the edge, which looks no further. */
export const pngBytes: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52],
  ...[0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0, 0, 0, 0, 0],
);

/** Options of a small answer; a mode is filled in as a request's is. */
export function options(overrides: Partial<AnswerOptions> = {}): AnswerOptions {
  return {
    detail: "auto",
    canvas: 4,
    steps: 2,
    blockLength: 4,
    ...modeTerms(overrides.mode ?? "exact", overrides.refresh ?? UNTOLD_REFRESH.standard),
    temperature: 0,
    seed: 0,
    stop: [],
    ...overrides,
  };
}

export function question(overrides: Partial<Question> = {}): Question {
  return {
    messages: [{ role: "user", text: "What is this?" }],
    images: [pngBytes],
    options: options(),
    ...overrides,
  };
}

const words: readonly CanvasToken[] = [
  { position: 1, token: 11, text: " red", confidence: 0.75, step: 1 },
  { position: 0, token: 10, text: "A", confidence: 0.5, step: 1 },
  { position: 2, token: 12, text: " square", confidence: 1, step: 2 },
  { position: 3, token: 13, text: ".", confidence: 0.25, step: 2 },
];

/** Class of the arithmetic of the function in the story. */
export const numerics = `cpu/onnxruntime-node-1.30.0/x64-avx2/alone/${"ab".repeat(32)}`;

const started: AnswerEvent = {
  ...{ kind: "answer.started", imageVectors: 730, promptLength: 760, canvas: 4, steps: 2 },
  numerics,
};

/** The whole story of a small answer: "A red square." in two steps. */
export const story: readonly AnswerEvent[] = [
  started,
  {
    ...{
      kind: "answer.frame",
      step: 1,
      revealed: words.slice(0, 2),
      stableUntil: 0,
      hasText: true,
    },
    ...{ reason: "schedule", refreshed: true, rows: 764 },
  },
  {
    ...{ kind: "answer.frame", step: 2, revealed: words.slice(2), stableUntil: 4, hasText: true },
    ...{ reason: "schedule", refreshed: false, rows: 4 },
  },
  {
    kind: "answer.completed",
    answer: "A red square.",
    confidence: 0.55,
    tokens: words.toSorted((left, right) => left.position - right.position),
    usage: {
      ...{ imageVectors: 730, promptLength: 760, canvas: 4, steps: 2, forwardPasses: 2 },
      ...{ refreshes: 1, rows: 768 },
    },
    digest: "cd".repeat(32),
    decoder: DECODER_VERSION,
  },
];

/** The same, of a function that was asked for so many other tokens of each place. */
export function storyWithAlternatives(count: number): readonly AnswerEvent[] {
  return story.map((event) => {
    if (event.kind !== "answer.frame") return event;
    const alternatives = [
      { token: 41, text: " cube", confidence: 0.125 },
      { token: 42, text: " circle", confidence: 0.0625 },
      { token: 2, text: "", confidence: 0.03125 },
    ].slice(0, count);
    return { ...event, revealed: event.revealed.map((token) => ({ ...token, alternatives })) };
  });
}

/** The story of an answer in which the model ended its turn at once; what it wrote behind that is none of the answer. */
export const emptyStory: readonly AnswerEvent[] = [
  started,
  { kind: "answer.frame", step: 1, revealed: words.slice(2), stableUntil: 0, hasText: false },
  {
    kind: "answer.frame",
    step: 2,
    revealed: [{ position: 0, token: 4, text: "", confidence: 0.5, step: 2 }],
    ...{ stableUntil: 0, turnEnd: 0, hasText: false },
  },
  { kind: "answer.failed", failure: { kind: "empty_answer", canvas: 4 } },
];

/** One refusal of each kind; the type makes a new kind a compile error here. */
export const failures: { readonly [Kind in Failure["kind"]]: Extract<Failure, { kind: Kind }> } = {
  unauthenticated: { kind: "unauthenticated" },
  key_required: { kind: "key_required" },
  scope_missing: { kind: "scope_missing", scope: "usage" },
  session_ended: { kind: "session_ended" },
  session_forged: { kind: "session_forged", lacks: "origin" },
  key_stronger: { kind: "key_stronger", id: "0Kb3nV7cQ2xY9mTg" },
  payment_signature_invalid: { kind: "payment_signature_invalid", fault: "old" },
  https_required: { kind: "https_required" },
  too_many_attempts: { kind: "too_many_attempts", retryAfterSeconds: 600 },
  origin_forbidden: { kind: "origin_forbidden", origin: "https://else.test" },
  model_forbidden: { kind: "model_forbidden", model: "gpt", allowed: ["demo"] },
  model_not_downloadable: { kind: "model_not_downloadable", model: "llada-v" },
  range_not_satisfiable: { kind: "range_not_satisfiable", bytes: 12 },
  already_exists: { kind: "already_exists", id: "acc_1" },
  upload_token_used: { kind: "upload_token_used", id: `img_${"0".repeat(64)}` },
  not_found: { kind: "not_found", path: "/v2" },
  method_not_allowed: { kind: "method_not_allowed", method: "PUT", allowed: ["GET", "HEAD"] },
  unsupported_media_type: { kind: "unsupported_media_type", contentType: "text/plain" },
  not_acceptable: {
    ...{ kind: "not_acceptable", offered: "text/event-stream", instead: "/v1/answers/ans_1" },
  },
  invalid_request: {
    kind: "invalid_request",
    problems: [{ pointer: "/canvas", message: "too big" }],
  },
  fields_invalid: {
    kind: "fields_invalid",
    problems: [{ pointer: "/fields/kind", message: "is empty" }],
  },
  field_options_collide: {
    kind: "field_options_collide",
    problems: [{ pointer: "/fields/kind/criteria", message: "are the same text" }],
  },
  fields_too_large: {
    kind: "fields_too_large",
    problems: [{ pointer: "/fields", message: "take a canvas of 640 tokens" }],
  },
  schema_unsupported: {
    kind: "schema_unsupported",
    problems: [{ pointer: "/schema/not", message: "is not supported" }],
  },
  body_too_large: { kind: "body_too_large", limitBytes: 1024 * 1024 },
  unknown_model: { kind: "unknown_model", model: "gpt", known: ["demo"] },
  prompt_too_long: { kind: "prompt_too_long", length: 9000, limit: 8192 },
  image_unsupported: { kind: "image_unsupported", image: 0, reason: "not a picture" },
  image_heic: { kind: "image_heic", image: 0 },
  image_truncated: { kind: "image_truncated", image: 1 },
  image_too_large: { kind: "image_too_large", image: 0, pixels: 9e8, limitPixels: 5e7 },
  image_bomb: { kind: "image_bomb", image: 0, width: 65535, height: 65535 },
  image_file_too_large: { kind: "image_file_too_large", image: 0, limitBytes: 10_485_760 },
  image_fetch_timeout: { kind: "image_fetch_timeout", image: 0, seconds: 10 },
  image_fetch_blocked: { kind: "image_fetch_blocked", image: 0, reason: "its host is private" },
  image_fetch_refused: { kind: "image_fetch_refused", image: 1, reason: "its host answered 404" },
  image_fetch_failed: { kind: "image_fetch_failed", image: 1, reason: "its host answered 503" },
  image_not_found: { kind: "image_not_found", image: 0, id: "img_0" },
  images_not_supported: { kind: "images_not_supported" },
  weights_loading: {
    kind: "weights_loading",
    etaSeconds: 40.2,
    loadedBytes: 1_200_000_000,
    totalBytes: 5_000_000_000,
  },
  weights_failed: { kind: "weights_failed", code: "shard_corrupt" },
  device_out_of_memory: { kind: "device_out_of_memory" },
  device_too_small: { kind: "device_too_small" },
  device_lost: { kind: "device_lost" },
  logits_not_finite: { kind: "logits_not_finite" },
  overloaded: { kind: "overloaded", retryAfterSeconds: 2.5 },
  draining: { kind: "draining" },
  function_unreachable: { kind: "function_unreachable" },
  function_timeout: { kind: "function_timeout", silentSeconds: 45 },
  function_reply_invalid: { kind: "function_reply_invalid" },
  function_outdated: { kind: "function_outdated", version: 1, needed: 2 },
  ticket_refused: { kind: "ticket_refused", reason: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" },
  insufficient_credit: { kind: "insufficient_credit", priceMicros: 1728, availableMicros: 12 },
  spend_limit_reached: {
    kind: "spend_limit_reached",
    period: "day",
    limitMicros: 5_000_000,
    spentMicros: 4_999_000,
    priceMicros: 1728,
  },
  price_above_maximum: { kind: "price_above_maximum", priceMicros: 1728, maximumMicros: 1000 },
  card_changed: { kind: "card_changed", model: "demo" },
  rate_limited: { kind: "rate_limited", policy: "steps", limit: 20_000, resetSeconds: 42 },
  too_many_concurrent: { kind: "too_many_concurrent", limit: 16 },
  idempotency_key_invalid: { kind: "idempotency_key_invalid" },
  idempotency_in_progress: { kind: "idempotency_in_progress" },
  idempotency_mismatch: { kind: "idempotency_mismatch" },
  not_cached: { kind: "not_cached" },
  answer_not_kept: { kind: "answer_not_kept", id: "ans_1" },
  previous_response_not_found: {
    ...{ kind: "previous_response_not_found", pointer: "/previous_response_id" },
    ...{ id: "resp_1", why: "missing" },
  },
  still_running: { kind: "still_running", what: "answer", id: "ans_1" },
  not_replayable: { kind: "not_replayable", id: "ans_1" },
  too_many_of: { kind: "too_many_of", what: "webhook endpoints", limit: 16 },
  answer_restarted: { kind: "answer_restarted" },
  empty_answer: { kind: "empty_answer", canvas: 256 },
  internal: { kind: "internal" },
};

/** Bytes as a stream cut where told; the same bytes in one piece when told nothing. */
export function chunked(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
): ReadableStream<Uint8Array> {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
    (left, right) => left - right,
  );
  return new ReadableStream({
    start(controller) {
      let start = 0;
      for (const end of ends) {
        controller.enqueue(bytes.slice(start, end));
        start = end;
      }
      controller.close();
    },
  });
}

export async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const collected: Value[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

/** The items one after another, as a generator would tell them. */
export async function* told<Value>(values: readonly Value[]): AsyncGenerator<Value> {
  yield* values;
}
