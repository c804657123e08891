import type { Failure } from "#domain/failure.ts";

/** What holds for every refusal of one kind. */
export interface ErrorCode {
  readonly status: number;
  readonly title: string;
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;
}

/**
 * The codes that programs switch on. Published in `/openapi.json` under `components/x-errors`, which is where a
 * problem's `type` points. A code never changes its meaning or status.
 */
export const errorCodes: Readonly<Record<Failure["kind"], ErrorCode>> = {
  unauthenticated: { status: 401, title: "No valid key", isRetryable: false },
  not_found: { status: 404, title: "Not found", isRetryable: false },
  method_not_allowed: { status: 405, title: "Method not allowed", isRetryable: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", isRetryable: false },
  invalid_request: { status: 400, title: "Invalid request", isRetryable: false },
  body_too_large: { status: 413, title: "Body too large", isRetryable: false },
  unknown_model: { status: 422, title: "Unknown model", isRetryable: false },
  prompt_too_long: { status: 422, title: "Prompt too long", isRetryable: false },
  image_unsupported: { status: 422, title: "Picture not supported", isRetryable: false },
  image_truncated: { status: 422, title: "Picture cut off", isRetryable: false },
  image_too_large: { status: 422, title: "Picture too large", isRetryable: false },
  image_bomb: { status: 422, title: "Picture refused", isRetryable: false },
  images_not_supported: { status: 422, title: "Pictures not supported", isRetryable: false },
  weights_loading: { status: 503, title: "Weights are loading", isRetryable: true },
  weights_failed: { status: 503, title: "Weights failed to load", isRetryable: false },
  overloaded: { status: 503, title: "Overloaded", isRetryable: true },
  draining: { status: 503, title: "Restarting", isRetryable: true },
  function_unreachable: { status: 503, title: "Function unreachable", isRetryable: true },
  function_timeout: { status: 504, title: "Function silent", isRetryable: true },
  function_reply_invalid: { status: 502, title: "Function's reply invalid", isRetryable: true },
  // Only ever seen between function and edge: to callers it is `internal`.
  ticket_refused: { status: 401, title: "Ticket refused", isRetryable: false },
  internal: { status: 500, title: "Internal error", isRetryable: true },
};
