/**
 * Every refusal that the service can give, and nothing else: one arm per case that a caller may want to tell apart.
 * `wire/error.ts` turns each into a status, a code and a sentence. None of them costs the caller anything.
 */
export type Failure =
  | {
      readonly kind: "unauthenticated";
      /** Whose key is taken here; absent: an API key. */
      readonly wanted?: "administrator" | "session" | "function";
      /** Whether what was sent has the form of another kind of key. Its form alone: whether there is such a key was not asked. */
      readonly isOtherKind?: boolean;
    }
  | {
      readonly kind: "scope_missing";
      readonly scope: string;
      /** Whether it is a client token of one upload, which may do that alone. */
      readonly mayUpload?: true;
      /** Who lacks it; absent: a key. */
      readonly holder?: "session";
    }
  /** The cookie is of a session that has ended: expired, idle, signed out, or with its key. */
  | { readonly kind: "session_ended" }
  /** What a page of another site could have sent with a session's cookie. `lacks`: what it must have, and has not. */
  | { readonly kind: "session_forged"; readonly lacks: "header" | "origin" }
  /** A session's cookie would travel in the clear. */
  | { readonly kind: "https_required" }
  /** Too many wrong keys or codes from one network. */
  | { readonly kind: "too_many_attempts"; readonly retryAfterSeconds: number }
  /** The key that a key or session is to change may do more than it, which would thus get more itself. */
  | { readonly kind: "key_stronger"; readonly id: string }
  /** What says that money was paid is not signed by whom takes it, or was signed too long ago. */
  | { readonly kind: "payment_signature_invalid"; readonly fault: "wrong" | "old" }
  /** What a client token may not do, whatever its key may. */
  | { readonly kind: "key_required" }
  /** A client token of one upload has had it: `id` is the picture's. */
  | { readonly kind: "upload_token_used"; readonly id: string }
  | { readonly kind: "origin_forbidden"; readonly origin: string | null }
  | {
      readonly kind: "model_forbidden";
      readonly model: string;
      readonly allowed: readonly string[];
    }
  /** Its bundle is not given out here. */
  | { readonly kind: "model_not_downloadable"; readonly model: string }
  /** A part was asked for that begins behind the end. */
  | { readonly kind: "range_not_satisfiable"; readonly bytes: number }
  | { readonly kind: "already_exists"; readonly id: string }
  | {
      readonly kind: "not_found";
      readonly path: string;
      /** A path that is served, and that the caller seems to mean. */
      readonly meant?: string;
      /** What a path that is served names, and is not there. */
      readonly missing?: MissingThing;
    }
  | {
      readonly kind: "method_not_allowed";
      readonly method: string;
      readonly allowed: readonly string[];
    }
  | {
      readonly kind: "unsupported_media_type";
      readonly contentType: string;
      /** What may be sent instead; absent: JSON or a form. */
      readonly supported?: string;
    }
  /** The caller takes no reply of the type that this path has. `instead`: the path that tells the same as JSON. */
  | { readonly kind: "not_acceptable"; readonly offered: string; readonly instead: string }
  | { readonly kind: "invalid_request"; readonly problems: readonly FieldProblem[] }
  | FieldsFailure
  | { readonly kind: "body_too_large"; readonly limitBytes: number }
  | { readonly kind: "unknown_model"; readonly model: string; readonly known: readonly string[] }
  | {
      readonly kind: "prompt_too_long";
      readonly length: number;
      readonly limit: number;
      /** The mode in which no more is kept; absent where the model itself takes no more. */
      readonly mode?: "cached" | "fast";
    }
  | { readonly kind: "image_unsupported"; readonly image: number; readonly reason: string }
  /** A photograph as iPhones keep it: the commonest file that is not read. */
  | { readonly kind: "image_heic"; readonly image: number }
  | { readonly kind: "image_truncated"; readonly image: number }
  | {
      readonly kind: "image_too_large";
      readonly image: number;
      readonly pixels: number;
      readonly limitPixels: number;
      /** What has so many pixels: the picture (absent), its longer side, or the question's pictures up to this one together. */
      readonly of?: "side" | "question";
    }
  | {
      readonly kind: "image_bomb";
      readonly image: number;
      readonly width: number;
      readonly height: number;
    }
  | { readonly kind: "image_file_too_large"; readonly image: number; readonly limitBytes: number }
  | { readonly kind: "image_fetch_timeout"; readonly image: number; readonly seconds: number }
  /** The address may not be fetched from: not https, private, or a redirect to such. */
  | { readonly kind: "image_fetch_blocked"; readonly image: number; readonly reason: string }
  /** Its host says that it does not give it: it is not there, or not for us. */
  | { readonly kind: "image_fetch_refused"; readonly image: number; readonly reason: string }
  /** Its host failed, or was not there: another time it may be. */
  | { readonly kind: "image_fetch_failed"; readonly image: number; readonly reason: string }
  | { readonly kind: "image_not_found"; readonly image: number; readonly id: string }
  | { readonly kind: "images_not_supported" }
  | {
      readonly kind: "weights_loading";
      readonly etaSeconds: number;
      readonly loadedBytes: number;
      readonly totalBytes: number;
    }
  | { readonly kind: "weights_failed"; readonly code: string }
  /** The function had no memory for the answer beside the others that it made. */
  | { readonly kind: "device_out_of_memory" }
  /** The same of an answer that it made alone: it never will have. */
  | { readonly kind: "device_too_small" }
  /** The function's GPU is gone: it asks to be replaced. */
  | { readonly kind: "device_lost" }
  /** The network gave NaN or infinite logits: the function asks to be replaced. */
  | { readonly kind: "logits_not_finite" }
  | { readonly kind: "overloaded"; readonly retryAfterSeconds: number }
  | { readonly kind: "draining" }
  | { readonly kind: "function_unreachable" }
  | { readonly kind: "function_timeout"; readonly silentSeconds: number }
  | { readonly kind: "function_reply_invalid" }
  /** Edge and function are of different versions, and the function is the older one. */
  | { readonly kind: "function_outdated"; readonly version: number; readonly needed: number }
  | { readonly kind: "ticket_refused"; readonly reason: string }
  | {
      readonly kind: "insufficient_credit";
      /** Micro-dollars as plain integers, here and below: a failure crosses processes as JSON. */
      readonly priceMicros: number;
      readonly availableMicros: number;
    }
  | {
      readonly kind: "spend_limit_reached";
      /** `subject`: a day of a client token's subject · `token`: what a client token may spend in all. */
      readonly period: "day" | "month" | "subject" | "token";
      readonly limitMicros: number;
      readonly spentMicros: number;
      readonly priceMicros: number;
    }
  | {
      readonly kind: "price_above_maximum";
      readonly priceMicros: number;
      readonly maximumMicros: number;
    }
  /** The card by which the question would be read and priced is not the one that a quote named. */
  | { readonly kind: "card_changed"; readonly model: string }
  | {
      readonly kind: "rate_limited";
      readonly policy: string;
      readonly limit: number;
      readonly resetSeconds: number;
    }
  | { readonly kind: "too_many_concurrent"; readonly limit: number }
  | { readonly kind: "idempotency_key_invalid" }
  | { readonly kind: "idempotency_in_progress" }
  | { readonly kind: "idempotency_mismatch" }
  /** `Cache-Control: only-if-cached`, and it is not. */
  | { readonly kind: "not_cached" }
  /** The question of this answer is not kept any more, or never was; or it was made by another decoder, or by other weights, than are served now. */
  | {
      readonly kind: "not_replayable";
      readonly id: string;
      readonly decoder?: { readonly made: string; readonly served: string };
      /** Digests of the weights that made it, which nobody serves any more, and of some that are served. */
      readonly weights?: { readonly made: string; readonly served: readonly string[] };
    }
  /** The answer of an earlier request with this Idempotency-Key was paid for, and its words are not kept any more. */
  | {
      readonly kind: "answer_not_kept";
      readonly id: string;
    }
  /** A conversation cannot go on from an earlier answer. `pointer`: where the body names it. */
  | {
      readonly kind: "previous_response_not_found";
      readonly pointer: string;
      readonly id: string;
      /** Not there for this caller · its question is not kept any more · still being made · it came to nothing. */
      readonly why: "missing" | "forgotten" | "running" | "unanswered";
    }
  /** It is still being made: it can be cancelled, and deleted then. */
  | { readonly kind: "still_running"; readonly what: "answer" | "batch"; readonly id: string }
  /** An account may have so many of these and no more. */
  | { readonly kind: "too_many_of"; readonly what: string; readonly limit: number }
  /** Text of an answer was streamed that it no longer begins with, since it had to begin anew with another arithmetic. */
  | { readonly kind: "answer_restarted" }
  /** The model's own text has no token. `recommended`: the longest canvas that its card recommends, where it says. */
  | { readonly kind: "empty_answer"; readonly canvas: number; readonly recommended?: number }
  | { readonly kind: "internal" };

/** Fields that cannot be read: they make no sense; two options are the same to the model; they are too much; a schema has what no fields are for. */
export type FieldsFailure = {
  readonly [Kind in (typeof fieldsKinds)[number]]: {
    readonly kind: Kind;
    readonly problems: readonly FieldProblem[];
  };
}[(typeof fieldsKinds)[number]];

export const fieldsKinds = [
  "fields_invalid",
  "field_options_collide",
  "fields_too_large",
  "schema_unsupported",
] as const;

/** What nobody has, or not this caller: "account", "key" … `known`: the ones that there are, where there are few. */
export interface MissingThing {
  readonly what: string;
  readonly id: string;
  readonly known?: readonly string[];
}

/** What is wrong with one field. `pointer` is a JSON Pointer (RFC 6901) into the body, or the form field's name behind a slash. */
export interface FieldProblem {
  readonly pointer: string;
  readonly message: string;
}
