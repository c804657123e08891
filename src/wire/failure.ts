import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { MAX_FIELD_PROBLEMS, MAX_NAME_LENGTH } from "./limits.ts";

// What a function says about a refusal is echoed to callers in part, so nothing in it may be long.
const sentence = z.string().max(1000);
const count = z.int().nonnegative();
const problems = z
  .array(z.object({ pointer: sentence, message: sentence }))
  .max(MAX_FIELD_PROBLEMS);

/**
 * Schema of a refusal between function and edge, where no detail may be lost: inside `answer.failed` and in the
 * `failure` member of the function's problem replies. Callers get `problem.ts`'s view of it instead.
 */
export const failureSchema: z.ZodType<Failure> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("unauthenticated") }),
  z.object({ kind: z.literal("scope_missing"), scope: z.string().max(16) }),
  z.object({ kind: z.literal("session_ended") }),
  z.object({ kind: z.literal("session_forged"), lacks: z.enum(["header", "origin"]) }),
  z.object({ kind: z.literal("https_required") }),
  z.object({ kind: z.literal("too_many_attempts"), retryAfterSeconds: z.number().nonnegative() }),
  z.object({ kind: z.literal("key_stronger"), id: z.string().max(MAX_NAME_LENGTH) }),
  z.object({ kind: z.literal("payment_signature_invalid"), fault: z.enum(["wrong", "old"]) }),
  z.object({ kind: z.literal("upload_token_used"), id: z.string().max(MAX_NAME_LENGTH) }),
  z.object({ kind: z.literal("key_required") }),
  z.object({ kind: z.literal("origin_forbidden"), origin: sentence.nullable() }),
  z.object({
    kind: z.literal("model_forbidden"),
    model: z.string().max(MAX_NAME_LENGTH),
    allowed: z.array(z.string().max(MAX_NAME_LENGTH)).max(16),
  }),
  z.object({
    kind: z.literal("model_not_downloadable"),
    model: z.string().max(MAX_NAME_LENGTH),
  }),
  z.object({ kind: z.literal("range_not_satisfiable"), bytes: z.int().nonnegative() }),
  z.object({ kind: z.literal("already_exists"), id: z.string().max(MAX_NAME_LENGTH) }),
  z.object({ kind: z.literal("not_found"), path: sentence }),
  z.object({
    kind: z.literal("method_not_allowed"),
    method: sentence,
    allowed: z.array(z.string().max(16)).max(8),
  }),
  z.object({
    kind: z.literal("unsupported_media_type"),
    contentType: sentence,
    supported: sentence.exactOptional(),
  }),
  z.object({ kind: z.literal("not_acceptable"), offered: sentence, instead: sentence }),
  z.object({ kind: z.literal("invalid_request"), problems }),
  z.object({ kind: z.literal("fields_invalid"), problems }),
  z.object({ kind: z.literal("field_options_collide"), problems }),
  z.object({ kind: z.literal("fields_too_large"), problems }),
  z.object({ kind: z.literal("schema_unsupported"), problems }),
  z.object({ kind: z.literal("body_too_large"), limitBytes: count }),
  z.object({
    kind: z.literal("unknown_model"),
    model: z.string().max(MAX_NAME_LENGTH),
    known: z.array(z.string().max(MAX_NAME_LENGTH)).max(16),
  }),
  z.object({
    kind: z.literal("prompt_too_long"),
    length: count,
    limit: count,
    mode: z.enum(["cached", "fast"]).exactOptional(),
  }),
  z.object({ kind: z.literal("image_unsupported"), image: count, reason: sentence }),
  z.object({ kind: z.literal("image_heic"), image: count }),
  z.object({ kind: z.literal("image_truncated"), image: count }),
  z.object({
    kind: z.literal("image_too_large"),
    image: count,
    pixels: count,
    limitPixels: count,
    of: z.enum(["side", "question"]).exactOptional(),
  }),
  z.object({ kind: z.literal("image_bomb"), image: count, width: count, height: count }),
  z.object({ kind: z.literal("image_file_too_large"), image: count, limitBytes: count }),
  z.object({
    kind: z.literal("image_fetch_timeout"),
    image: count,
    seconds: z.number().nonnegative(),
  }),
  z.object({ kind: z.literal("image_fetch_blocked"), image: count, reason: sentence }),
  z.object({ kind: z.literal("image_fetch_refused"), image: count, reason: sentence }),
  z.object({ kind: z.literal("image_fetch_failed"), image: count, reason: sentence }),
  z.object({ kind: z.literal("image_not_found"), image: count, id: sentence }),
  z.object({ kind: z.literal("images_not_supported") }),
  z.object({
    kind: z.literal("weights_loading"),
    etaSeconds: z.number().nonnegative(),
    loadedBytes: count,
    totalBytes: count,
  }),
  z.object({ kind: z.literal("weights_failed"), code: z.string().max(MAX_NAME_LENGTH) }),
  z.object({ kind: z.literal("device_out_of_memory") }),
  z.object({ kind: z.literal("device_too_small") }),
  z.object({ kind: z.literal("device_lost") }),
  z.object({ kind: z.literal("logits_not_finite") }),
  z.object({ kind: z.literal("overloaded"), retryAfterSeconds: z.number().nonnegative() }),
  z.object({ kind: z.literal("draining") }),
  z.object({ kind: z.literal("function_unreachable") }),
  z.object({ kind: z.literal("function_timeout"), silentSeconds: z.number().nonnegative() }),
  z.object({ kind: z.literal("function_reply_invalid") }),
  z.object({ kind: z.literal("function_outdated"), version: count, needed: count }),
  z.object({ kind: z.literal("ticket_refused"), reason: sentence }),
  z.object({
    kind: z.literal("insufficient_credit"),
    priceMicros: count,
    availableMicros: count,
  }),
  z.object({
    kind: z.literal("spend_limit_reached"),
    period: z.enum(["day", "month", "subject", "token"]),
    limitMicros: count,
    spentMicros: count,
    priceMicros: count,
  }),
  z.object({ kind: z.literal("price_above_maximum"), priceMicros: count, maximumMicros: count }),
  z.object({ kind: z.literal("card_changed"), model: z.string().max(MAX_NAME_LENGTH) }),
  z.object({
    kind: z.literal("rate_limited"),
    policy: z.string().max(MAX_NAME_LENGTH),
    limit: count,
    resetSeconds: count,
  }),
  z.object({ kind: z.literal("too_many_concurrent"), limit: count }),
  z.object({ kind: z.literal("idempotency_key_invalid") }),
  z.object({ kind: z.literal("idempotency_in_progress") }),
  z.object({ kind: z.literal("idempotency_mismatch") }),
  z.object({ kind: z.literal("not_cached") }),
  z.object({
    kind: z.literal("not_replayable"),
    id: z.string().max(MAX_NAME_LENGTH),
    decoder: z
      .object({ made: z.string().max(MAX_NAME_LENGTH), served: z.string().max(MAX_NAME_LENGTH) })
      .exactOptional(),
    weights: z
      .object({
        made: z.string().max(MAX_NAME_LENGTH),
        served: z.array(z.string().max(MAX_NAME_LENGTH)).max(8),
      })
      .exactOptional(),
  }),
  z.object({ kind: z.literal("answer_not_kept"), id: z.string().max(MAX_NAME_LENGTH) }),
  z.object({
    kind: z.literal("previous_response_not_found"),
    pointer: sentence,
    id: z.string().max(MAX_NAME_LENGTH),
    why: z.enum(["missing", "forgotten", "running", "unanswered"]),
  }),
  z.object({
    kind: z.literal("still_running"),
    what: z.enum(["answer", "batch"]),
    id: z.string().max(MAX_NAME_LENGTH),
  }),
  z.object({
    kind: z.literal("too_many_of"),
    what: z.string().max(MAX_NAME_LENGTH),
    limit: count,
  }),
  z.object({ kind: z.literal("answer_restarted") }),
  z.object({
    kind: z.literal("empty_answer"),
    canvas: count,
    recommended: count.exactOptional(),
  }),
  z.object({ kind: z.literal("internal") }),
]);
