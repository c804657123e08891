import type { Failure, FieldProblem } from "#domain/failure.ts";

/** Says in one sentence what happened and what to do, with the numbers of this case. */
export function detailOf(failure: Failure): string {
  switch (failure.kind) {
    case "unauthenticated":
      return keySentence(failure);
    case "key_required":
      return "A client token may not do this; use a key.";
    case "scope_missing":
      return scopeSentence(failure);
    case "session_ended":
      return "This session has ended: it was signed out, too long unused, as old as a session may be, or its key was revoked or replaced. Sign in again.";
    case "session_forged":
      return failure.lacks === "header"
        ? "A session's cookie alone changes nothing, since a browser sends it for other pages too: send X-Unmask-Session: 1 with it."
        : "A session may be used from the pages of this very address only, and by what says so with Origin or Sec-Fetch-Site.";
    case "https_required":
      return "A session's cookie must not travel in the clear: open this address with https://, or on this machine by 127.0.0.1 or localhost.";
    case "key_stronger":
      return `The key "${failure.id}" may do more than the key that asks, or for longer. Change it with a key that may do as much, or ask the administrator; revoking it is allowed.`;
    case "payment_signature_invalid":
      return failure.fault === "old"
        ? "This was signed too long ago, or our clocks differ: signatures are good for five minutes. The provider sends it again."
        : "This is not signed with the secret that the installation was given (TOP_UP).";
    case "too_many_attempts":
      return `Too many wrong keys or codes came from your network; try again in ${failure.retryAfterSeconds} s.`;
    case "upload_token_used":
      return `This client token was for one upload, and "${failure.id}" is it. Make another token for another picture.`;
    case "origin_forbidden":
      return originSentence(failure.origin);
    case "model_forbidden":
      return `This key may not ask "${failure.model}"; it may ask ${failure.allowed.join(", ") || "no model"}.`;
    case "model_not_downloadable":
      return `The weights of "${failure.model}" are not given out here. GET /v1/models says which models are downloadable.`;
    case "range_not_satisfiable":
      return `This has ${failure.bytes} bytes, and the range begins behind them.`;
    case "already_exists":
      return `There is already one with the id "${failure.id}".`;
    case "not_found":
      return notFoundSentence(failure);
    case "method_not_allowed":
      return `${failure.method} is not possible here; use ${failure.allowed.join(" or ")}.`;
    case "unsupported_media_type":
      return `Send ${failure.supported ?? "application/json or multipart/form-data"}, not ${failure.contentType || "an unnamed type"}.`;
    case "not_acceptable":
      return `What is here is ${failure.offered}, which Accept leaves out. ${failure.instead} tells the same as JSON.`;
    case "invalid_request":
    case "fields_invalid":
    case "field_options_collide":
    case "fields_too_large":
    case "schema_unsupported":
      return problemSentence(failure.problems);
    case "body_too_large":
      return `The body may have ${binarySize(failure.limitBytes)} at most.`;
    case "unknown_model":
      return `There is no model "${failure.model}"; there is ${failure.known.join(", ")}.`;
    case "prompt_too_long":
      if (failure.mode !== undefined)
        return `Text and pictures take ${failure.length} positions; mode ${failure.mode} keeps ${failure.limit} at most here. Shorten the text, send detail "low", or ask with mode "exact".`;
      return `Text and pictures take ${failure.length} positions; the model has room for ${failure.limit}. Shorten the text, or send detail "low".`;
    case "image_unsupported":
      return `${picture(failure)} cannot be read: ${failure.reason}.`;
    case "image_heic":
      return `${picture(failure)} is HEIC, which is not read here. Send it as JPEG: an iPhone's photo picker converts it when it is asked for JPEG, and UIImage.jpegData does in an app.`;
    case "image_truncated":
      return `${picture(failure)} ends before its last pixel. Send the whole file.`;
    case "image_too_large":
      return tooLargeSentence(failure);
    case "image_bomb":
      return `${picture(failure)} claims ${failure.width} × ${failure.height} pixels, far more than its bytes can hold.`;
    case "image_file_too_large":
      return `${picture(failure)} has more than ${binarySize(failure.limitBytes)}. Scale it down, or send it as JPEG.`;
    case "image_fetch_timeout":
      return `${picture(failure)} did not arrive from its host within our ${failure.seconds} s. Nothing is known to be wrong with it; try again, or send the file.`;
    case "image_fetch_blocked":
      return `${picture(failure)} may not be fetched: ${failure.reason}.`;
    case "image_fetch_refused":
      return `${picture(failure)} is not given by its host: ${failure.reason}. Check the address, or send the file.`;
    case "image_fetch_failed":
      return `${picture(failure)} could not be fetched: ${failure.reason}.`;
    case "image_not_found":
      return `${picture(failure)}: there is no uploaded picture "${failure.id}"; upload it with POST /v1/images.`;
    case "images_not_supported":
      return "This model reads text only; send no picture.";
    case "weights_loading":
      return loadingSentence(failure);
    case "weights_failed":
      return `The model cannot be served: ${failure.code}.`;
    case "device_out_of_memory":
      return "The machine's memory did not hold this answer beside the others that it makes; try again in a moment.";
    case "device_too_small":
      return 'The machine\'s memory does not hold this answer, though it made no other. Send detail "low", fewer pictures or a shorter text, or ask with a smaller canvas.';
    case "device_lost":
      return "The GPU that made the answer is gone, and its function is being replaced; try again in a moment.";
    case "logits_not_finite":
      return "The model's numbers were infinite or not numbers at all, so there is no answer; its function is to be replaced. If it happens again with the same question, tell us its request_id.";
    case "overloaded":
      return `All places are taken; try again in ${Math.ceil(failure.retryAfterSeconds)} s.`;
    case "draining":
      return "The function is about to stop; try again in a moment.";
    case "function_unreachable":
      return "No inference function could be reached.";
    case "function_timeout":
      return `The inference function said nothing for ${failure.silentSeconds} s.`;
    case "function_reply_invalid":
      return "The inference function's reply broke off or made no sense.";
    case "function_outdated":
      return `The inference function speaks version ${failure.version} of our orders, and this takes version ${failure.needed}: it is being replaced; try again in a moment.`;
    case "ticket_refused":
      // The reason would tell a forger how far they came; it is in the log.
      return "The work order is not valid.";
    case "insufficient_credit":
      return `The answer costs ${dollars(failure.priceMicros)}; ${dollars(failure.availableMicros)} of credit are left.`;
    case "spend_limit_reached":
      return `The answer costs ${dollars(failure.priceMicros)}; ${spender[failure.period]} may spend ${dollars(failure.limitMicros)} and has spent ${dollars(failure.spentMicros)}.`;
    case "price_above_maximum":
      return `The answer costs ${dollars(failure.priceMicros)}, more than the ${dollars(failure.maximumMicros)} of max_price_micros.`;
    case "card_changed":
      return `The card of "${failure.model}" is not the quote's any more: what it costs, or how it sees pictures, has changed. Ask for a new quote.`;
    case "rate_limited":
      return `The limit "${failure.policy}" of ${failure.limit} a minute is used up; try again in ${failure.resetSeconds} s.`;
    case "too_many_concurrent":
      return `${failure.limit} answers at once are the most; wait for one to end.`;
    case "idempotency_key_invalid":
      return "An Idempotency-Key has 1 to 255 printable ASCII characters.";
    case "idempotency_in_progress":
      return "The first request with this Idempotency-Key is still being answered.";
    case "idempotency_mismatch":
      return "This Idempotency-Key was used with another body within the last 24 hours.";
    case "not_cached":
      return "No cached answer is there, and only-if-cached asks for no other.";
    case "not_replayable":
      return replaySentence(failure);
    case "answer_not_kept":
      return `A request with this Idempotency-Key was answered and charged as ${failure.id}; its words are not kept (store: false, a short retention, or it was deleted), so they cannot be told again. Ask anew with another key.`;
    case "previous_response_not_found":
      return earlierSentence(failure);
    case "still_running":
      return `The ${failure.what} "${failure.id}" is still being made: POST /v1/${failure.what === "batch" ? "batches" : "answers"}/${failure.id}/cancel ends it, then it can be deleted.`;
    case "too_many_of":
      return `An account may have ${failure.limit} ${failure.what} at most; delete one first.`;
    case "answer_restarted":
      return "The answer had to begin anew on another kind of machine, and no longer begins with the text that was streamed. Ask again; where it may be cached, it is told at once.";
    case "empty_answer":
      return emptySentence(failure);
    case "internal":
      return "Something broke on our side; it has been logged.";
    default:
      return failure satisfies never;
  }
}

function scopeSentence(failure: Extract<Failure, { kind: "scope_missing" }>): string {
  const { scope, mayUpload, holder } = failure;
  return mayUpload
    ? `This client token is for one upload, POST /v1/images, and nothing else; use one of its subject with the scope "${scope}".`
    : `This ${holder ?? "key"} may not be used for "${scope}".`;
}

function keySentence({
  wanted,
  isOtherKind = false,
}: Extract<Failure, { kind: "unauthenticated" }>): string {
  if (wanted === "session")
    return "There is no session, or what was to open one is not valid. Sign in with POST /v1/sessions: a key, or a one-time code.";
  if (wanted === "function")
    return "This is not signed by a key of FUNCTION_KEYS for this very body, or not within the last minute. Check the function's UNMASK_FUNCTION_KEY, and both clocks.";
  if (wanted === undefined) {
    const send = "an API key as 'Authorization: Bearer umk_…'";
    return isOtherKind
      ? `That has the form of an administrator's key, which opens accounts and keys alone. Send ${send}.`
      : `Send a valid API key as 'Authorization: Bearer umk_…'.`;
  }
  const form = isOtherKind ? "That has the form of an API key or client token. " : "";
  return `${form}Send the administrator's key as 'Authorization: Bearer …': the Worker's ADMIN_KEY, which npm start leaves in .unmask/local.json.`;
}

function notFoundSentence(failure: Extract<Failure, { kind: "not_found" }>): string {
  const { path, meant, missing } = failure;
  if (missing !== undefined) {
    const known = missing.known === undefined ? "" : `; there is ${missing.known.join(", ")}`;
    return `There is no ${missing.what} "${missing.id}"${known}.`;
  }
  if (meant === undefined) return `There is nothing at ${path}.`;
  const mend = path === `${meant}/` ? "leave out the slash at its end" : "check the base URL";
  return `There is nothing at ${path}. Do you mean ${meant}? Then ${mend}.`;
}

function loadingSentence({
  loadedBytes,
  totalBytes,
  etaSeconds,
}: Extract<Failure, { kind: "weights_loading" }>): string {
  const seconds = Math.ceil(etaSeconds);
  // A host that scales to zero shows nothing of a start but its end.
  if (totalBytes === 0)
    return `The function is being started; ready in about ${seconds} s, as its last starts took.`;
  return `${binarySize(loadedBytes)} of ${binarySize(totalBytes)} have arrived; ready in about ${seconds} s.`;
}

function replaySentence({
  id,
  decoder,
  weights,
}: Extract<Failure, { kind: "not_replayable" }>): string {
  if (weights !== undefined)
    return `Answer "${id}" was made by weights ${weights.made.slice(0, 12)}, which are not served any more (${weights.served.map((digest) => digest.slice(0, 12)).join(", ") || "none are known"}). Ask it again.`;
  return decoder === undefined
    ? `Answer "${id}" cannot be replayed: it was not completed, or its question is not kept any more. Ask it again.`
    : `Answer "${id}" was made by decoder version ${decoder.made}; version ${decoder.served} is served now and may answer otherwise. Ask it again.`;
}

function earlierSentence({
  id,
  why,
}: Extract<Failure, { kind: "previous_response_not_found" }>): string {
  const whole = "send the whole conversation as input";
  switch (why) {
    case "missing":
      return `There is no response "${id}" to go on from: it was never made with this account, was not stored (store: false), was deleted, or its time is over; ${whole}.`;
    case "forgotten":
      return `What response "${id}" was asked is not kept any more, a day after its end at the latest, so there is no conversation to go on with; ${whole}.`;
    case "running":
      return `The response "${id}" is still being made; go on from it when it has ended.`;
    case "unanswered":
      return `The response "${id}" ended without an answer to go on from; ${whole}.`;
    default:
      return why satisfies never;
  }
}

function emptySentence({
  canvas,
  recommended,
}: Extract<Failure, { kind: "empty_answer" }>): string {
  const fill = `The model wrote no text on a canvas of ${canvas} positions`;
  if (recommended === undefined) return `${fill}; ask with a smaller canvas, or in other words.`;
  return canvas > recommended
    ? `${fill}; ask with a canvas of ${recommended} or less, which is what it was trained for.`
    : `${fill}; ask in other words, or with another canvas up to ${recommended}.`;
}

function originSentence(origin: string | null): string {
  return origin === null
    ? "This key is for browsers and only works from its own origins; the request names none."
    : `This key may not be used from ${origin}.`;
}

function tooLargeSentence(failure: Extract<Failure, { kind: "image_too_large" }>): string {
  const { pixels, limitPixels } = failure;
  switch (failure.of) {
    case undefined:
      return `${picture(failure)} has ${pixels} pixels; ${limitPixels} are the most. Send it smaller.`;
    case "side":
      return `${picture(failure)} has a side of ${pixels} pixels; ${limitPixels} are the most. Send it smaller, or a part of it.`;
    case "question":
      return `The pictures up to picture ${failure.image + 1} have ${pixels} pixels together; ${limitPixels} are the most in one question. Send them smaller, or fewer.`;
    default:
      return failure.of satisfies never;
  }
}

/** Says the first fault, and how many more there are. */
export function problemSentence(problems: readonly FieldProblem[]): string {
  const [first] = problems;
  if (first === undefined) return "The body is not valid.";
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more in errors)` : "";
  return `${faultSentence(first)}${more}.`;
}

/** Says every fault, for shapes of a refusal that have no list of them. */
export function everyProblemSentence(problems: readonly FieldProblem[]): string {
  return `${problems.map(faultSentence).join(". ")}.`;
}

function faultSentence({ pointer, message }: FieldProblem): string {
  return `${pointer === "" ? "The body" : pointer}: ${message}`;
}

const spender = {
  day: "within a day (UTC) this key",
  month: "within a month (UTC) this key",
  subject: "within a day (UTC) this subject",
  token: "this client token",
};

function dollars(amountMicros: number): string {
  return `$${(amountMicros / 1e6).toFixed(6)}`;
}

function picture({ image }: { readonly image: number }): string {
  return `Picture ${image + 1}`;
}

function binarySize(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(0)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
