import type { Failure } from "#domain/failure.ts";

/** What holds for every refusal of one kind. */
export interface ErrorCode {
  readonly status: number;
  readonly title: string;
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;
}

/**
 * The codes that programs switch on. Published in `/openapi.json` under `components/x-errors`, and explained on
 * a page each, which is where a problem's `type` points. A code never changes its meaning or status.
 */
export const errorCodes: Readonly<Record<Failure["kind"], ErrorCode>> = {
  unauthenticated: { status: 401, title: "No valid key", isRetryable: false },
  scope_missing: { status: 403, title: "Key not for this", isRetryable: false },
  // The picture is kept: the reply's Location says where, as that of the upload did.
  upload_token_used: { status: 409, title: "Token has had its upload", isRetryable: false },
  key_required: { status: 403, title: "Not for client tokens", isRetryable: false },
  session_ended: { status: 401, title: "Session has ended", isRetryable: false },
  session_forged: { status: 403, title: "Not from this site's pages", isRetryable: false },
  https_required: { status: 403, title: "HTTPS required", isRetryable: false },
  too_many_attempts: { status: 429, title: "Too many attempts", isRetryable: true },
  key_stronger: { status: 403, title: "Key may do more", isRetryable: false },
  payment_signature_invalid: { status: 401, title: "Signature not valid", isRetryable: false },
  origin_forbidden: { status: 403, title: "Origin not allowed", isRetryable: false },
  model_forbidden: { status: 403, title: "Model not allowed", isRetryable: false },
  model_not_downloadable: { status: 403, title: "Model not downloadable", isRetryable: false },
  range_not_satisfiable: { status: 416, title: "Range not satisfiable", isRetryable: false },
  already_exists: { status: 409, title: "Already exists", isRetryable: false },
  not_found: { status: 404, title: "Not found", isRetryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", isRetryable: false },
  not_acceptable: { status: 406, title: "Not acceptable", isRetryable: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", isRetryable: false },
  invalid_request: { status: 400, title: "Invalid request", isRetryable: false },
  fields_invalid: { status: 400, title: "Fields not valid", isRetryable: false },
  field_options_collide: { status: 400, title: "Options not distinct", isRetryable: false },
  fields_too_large: { status: 400, title: "Fields too large", isRetryable: false },
  schema_unsupported: { status: 400, title: "Schema not supported", isRetryable: false },
  body_too_large: { status: 413, title: "Body too large", isRetryable: false },
  unknown_model: { status: 422, title: "Unknown model", isRetryable: false },
  prompt_too_long: { status: 422, title: "Prompt too long", isRetryable: false },
  image_unsupported: { status: 422, title: "Picture not supported", isRetryable: false },
  image_heic: { status: 422, title: "HEIC not supported", isRetryable: false },
  image_truncated: { status: 422, title: "Picture cut off", isRetryable: false },
  image_too_large: { status: 422, title: "Picture too large", isRetryable: false },
  image_bomb: { status: 422, title: "Picture refused", isRetryable: false },
  image_file_too_large: { status: 422, title: "Picture file too large", isRetryable: false },
  image_fetch_timeout: { status: 504, title: "Picture's host too slow", isRetryable: true },
  image_fetch_blocked: { status: 422, title: "Picture's address not allowed", isRetryable: false },
  image_fetch_refused: { status: 422, title: "Picture refused by its host", isRetryable: false },
  image_fetch_failed: { status: 422, title: "Picture could not be fetched", isRetryable: true },
  image_not_found: { status: 422, title: "No such picture", isRetryable: false },
  images_not_supported: { status: 422, title: "Pictures not supported", isRetryable: false },
  weights_loading: { status: 503, title: "Weights are loading", isRetryable: true },
  weights_failed: { status: 503, title: "Weights failed to load", isRetryable: false },
  device_out_of_memory: { status: 503, title: "Out of memory", isRetryable: true },
  // Not retryable: nothing else was in its way.
  device_too_small: { status: 503, title: "Too large for the machine", isRetryable: false },
  device_lost: { status: 503, title: "GPU lost", isRetryable: true },
  // Not retryable: the question itself may be the cause, and a retry would take down the next function.
  logits_not_finite: { status: 500, title: "Numbers out of range", isRetryable: false },
  overloaded: { status: 503, title: "Overloaded", isRetryable: true },
  draining: { status: 503, title: "Restarting", isRetryable: true },
  function_unreachable: { status: 503, title: "Function unreachable", isRetryable: true },
  function_timeout: { status: 504, title: "Function silent", isRetryable: true },
  function_reply_invalid: { status: 502, title: "Function's reply invalid", isRetryable: true },
  // While a new version is rolled out: another function may be asked next.
  function_outdated: { status: 503, title: "Function outdated", isRetryable: true },
  // Only ever seen between function and edge: to callers it is `internal`.
  ticket_refused: { status: 401, title: "Ticket refused", isRetryable: false },
  insufficient_credit: { status: 402, title: "Not enough credit", isRetryable: false },
  spend_limit_reached: { status: 402, title: "Key's spend limit reached", isRetryable: false },
  // The caller's own bound, which no payment moves.
  price_above_maximum: { status: 422, title: "Price above maximum", isRetryable: false },
  // A precondition of the caller's own; a new quote has the card of now.
  card_changed: { status: 409, title: "Card changed", isRetryable: false },
  rate_limited: { status: 429, title: "Rate limit reached", isRetryable: true },
  too_many_concurrent: { status: 429, title: "Too many answers at once", isRetryable: true },
  idempotency_key_invalid: { status: 400, title: "Invalid Idempotency-Key", isRetryable: false },
  idempotency_in_progress: { status: 409, title: "Request still running", isRetryable: true },
  idempotency_mismatch: { status: 422, title: "Idempotency-Key was used", isRetryable: false },
  // Source: RFC 9111 section 5.2.1.7.
  not_cached: { status: 504, title: "Not in the cache", isRetryable: false },
  not_replayable: { status: 409, title: "Not replayable", isRetryable: false },
  answer_not_kept: { status: 410, title: "Answer not kept", isRetryable: false },
  // OpenAI's own code and status: their clients go on from it with the whole conversation.
  previous_response_not_found: {
    status: 400,
    title: "No such earlier response",
    isRetryable: false,
  },
  still_running: { status: 409, title: "Still running", isRetryable: false },
  too_many_of: { status: 409, title: "Limit reached", isRetryable: false },
  // The answer goes on without this stream, and is told to who asks again.
  answer_restarted: { status: 503, title: "Answer begun anew", isRetryable: true },
  // The same question on the same canvas comes to nothing again, so it is the request that has to change.
  empty_answer: { status: 422, title: "Empty answer", isRetryable: false },
  internal: { status: 500, title: "Internal error", isRetryable: true },
};
