import type { Failure } from "#domain/failure.ts";

/** What a page of the catalogue says of a code, in Markdown. */
export interface Advice {
  readonly happened: string;
  readonly todo: string;
  /** The path of the request that the page shows as refused; absent: `/v1/answers`. */
  readonly at?: string;
}

/** Of every code that there is: what happened, and what to do. A new code does not compile without it. */
export const advice: Readonly<Record<Failure["kind"], Advice>> = {
  unauthenticated: {
    happened:
      "The request brought no key, or one that is unknown, expired or revoked. Which of these it was is not told, so that nobody can try keys out.",
    todo: "Send `Authorization: Bearer umk_…` with a key of this installation; look for a missing `Bearer`, a line break at the end of the key, or a key of another installation. A client token lives for minutes: ask your server for a new one. Administration (`/v1/accounts`, `/v1/keys`) takes the administrator's key and no other.",
  },
  scope_missing: {
    happened: "The key is valid, and was not given the scope that this route needs.",
    todo: "Use a key with that scope, or have the administrator add it: `PATCH /v1/keys/{id}`. The scopes are `ask`, `jobs`, `webhooks` and `usage`.",
    at: "/v1/usage",
  },
  key_required: {
    happened:
      "The request came with a client token, and this route is for keys alone, whatever the token's key may do.",
    todo: "Call it from your server with the key. An app never needs the ledger, webhook endpoints or their secrets.",
    at: "/v1/ledger",
  },
  origin_forbidden: {
    happened:
      "The key or token may be used from named web pages alone, and the request's `Origin` is not one of them, or is missing.",
    todo: "Add the page's origin (scheme, host and port, no path) to the key's `origins`: `PATCH /v1/keys/{id}`. From a server use a key without `origins`.",
  },
  model_forbidden: {
    happened: "The key may ask some models and not this one; the problem names those that it may.",
    todo: "Name one of them in `model`, or have the administrator change the key's `models`.",
  },
  already_exists: {
    happened:
      "What you wanted to make has an id of your choice, and there is one with that id already.",
    todo: "Take another id, or use the one that there is. Grants and refunds are safe to repeat: the same id again adds nothing and is no error.",
    at: "/v1/accounts",
  },
  not_found: {
    happened:
      "There is nothing at that path, or nothing with that id that this key may see. What belongs to another account looks exactly like what does not exist.",
    todo: "Compare the path with the [reference](/docs/reference); the problem says which path you may have meant. Ids are kept as long as the thing is: uploads until `expires_at`, answers for the time that the installation keeps them.",
    at: "/v1/answer",
  },
  method_not_allowed: {
    happened: "The path is served, and not with this method.",
    todo: "Use one of the methods in the reply's `Allow` header.",
  },
  not_acceptable: {
    happened: "The `Accept` header rules out the only type that this path has.",
    todo: "Leave `Accept` out or allow `text/event-stream`; the path that the problem names tells the same as JSON.",
    at: "/v1/answers/ans_1/events",
  },
  unsupported_media_type: {
    happened: "The body's `Content-Type` or `Content-Encoding` is none that this route reads.",
    todo: "Send `application/json`, or `multipart/form-data` where a file travels with it; pictures also as a raw body to `POST /v1/images`. With `fetch` and `FormData` set no `Content-Type` yourself, since the boundary belongs into it.",
  },
  invalid_request: {
    happened:
      "The body or the query is not what the route takes. `errors` has a JSON Pointer and a sentence for each field.",
    todo: "Mend the fields that `errors` points to. Unknown fields are refused on purpose, so that a misspelt option is no silent default; the [reference](/docs/reference) has every field with its range.",
  },
  body_too_large: {
    happened: "The body has more bytes than a request may have.",
    todo: "Scale pictures down before sending: the model looks at them much smaller than a camera makes them. Send files as a form rather than as base64, which adds a third, or [upload them once](/docs/quickstarts/upload-once).",
  },
  unknown_model: {
    happened: "No model of that name is served here; the problem lists those that are.",
    todo: "Take a name of `GET /v1/models`, or leave `model` out where there is only one.",
  },
  prompt_too_long: {
    happened:
      "Text and pictures together take more positions than the model has room for, or than the function keeps for modes `cached` and `fast`.",
    todo: 'Shorten the text, send fewer pictures, or send `"detail": "low"`, which looks at each picture once. Where the problem names a mode, `"mode": "exact"` has more room.',
  },
  image_unsupported: {
    happened: "The file is no picture, or of a kind that is not read.",
    todo: "Send JPEG, PNG, WebP, GIF or AVIF. Phones often keep HEIC: have the app hand out JPEG. What counts is the file's content, not its name.",
  },
  image_heic: {
    happened:
      "The file is a picture in HEIC, which iPhones keep photographs in, and which is not read here.",
    todo: "Hand out JPEG: on iOS ask the photo picker for a compatible representation, in a browser draw it on a canvas, elsewhere save it as JPEG. Made smaller at the same time it is sent faster, and shows the model as much ([how large](/docs/quickstarts/upload-once)).",
  },
  image_truncated: {
    happened:
      "The file begins as a picture and ends before its last pixel: an upload that was cut, most often.",
    todo: "Send the whole file. If it was written by a program, wait until it is closed; if it came over the network, compare its size with the original's.",
  },
  image_too_large: {
    happened:
      "The picture has more pixels, or a longer side, than is decoded here; or all pictures of one question have too many together.",
    todo: "Scale it down before sending. Nothing is lost: the model looks at pictures in the size that its card says.",
  },
  image_bomb: {
    happened:
      "The picture claims to have far more pixels than its few bytes can hold: a file made to fill a server's memory, or a damaged header.",
    todo: "Save the picture again with another program. A real photograph never looks like that.",
  },
  image_file_too_large: {
    happened: "One picture's file has more bytes than are taken.",
    todo: "Scale it down, or save it as JPEG with a quality of 80: the model sees no difference.",
  },
  image_fetch_timeout: {
    happened: "The picture's address did not give all of the file within the time that we wait.",
    todo: "Try again, or send the file itself, which is faster in any case.",
  },
  image_fetch_blocked: {
    happened:
      "The address is one that is never fetched: not https, in a private network, or a redirect to such a place.",
    todo: "Give a public https address without a port of its own, or send the file. `npm start` may be told otherwise for addresses of your own machine ([settings](/docs/settings)).",
  },
  image_fetch_refused: {
    happened: "The picture's host says no: it is not there, or not for everybody.",
    todo: "Open the address in a private window of a browser. Signed addresses expire: make a new one, or send the file.",
  },
  image_fetch_failed: {
    happened: "The picture's host failed, or could not be reached. Another time it may work.",
    todo: "Try again in a moment, or send the file.",
  },
  image_not_found: {
    happened:
      "The question names an uploaded picture that this account has not uploaded, or whose time is over.",
    todo: "Upload it again (`POST /v1/images`): the same file gets the same id. A client token sees what it or its subject uploaded.",
  },
  images_not_supported: {
    happened: "The model that was asked reads text only.",
    todo: "Send no picture, or name a model whose `image` is not null in `GET /v1/models`.",
  },
  weights_loading: {
    happened:
      "The function has just started and is still fetching the model's weights. The problem says how much has arrived and how long it will take.",
    todo: "Wait as long as `Retry-After` says. Or ask with `Prefer: respond-async`: an accepted answer waits for the function by itself.",
  },
  weights_failed: {
    happened:
      "The model's weights cannot be served: a file is missing, damaged, or of a form that this version does not know. Waiting does not help.",
    todo: "If the installation is yours, read the function's log for the code that the problem names, and convert the model again. If not, tell its operator.",
  },
  device_out_of_memory: {
    happened: "The machine's memory was full of other answers when this one needed some.",
    todo: "Try again in a moment. If it happens often, the function makes too many answers at once (`UNMASK_ANSWERS_AT_ONCE`).",
  },
  device_too_small: {
    happened: "This answer alone needs more memory than the machine has.",
    todo: 'Send `"detail": "low"`, fewer pictures, a shorter text or a smaller `canvas`.',
  },
  device_lost: {
    happened:
      "The graphics card that made the answer disappeared under it. The function is being replaced.",
    todo: "Try again in a moment.",
  },
  logits_not_finite: {
    happened:
      "The network gave numbers that are infinite or no numbers at all, so there is no answer. The function asks to be replaced, and the question is not tried on the next one, since it may be the cause.",
    todo: "Ask in other words, or with another picture. If the same question does it again, tell the operator its `request_id`.",
  },
  overloaded: {
    happened: "All places of the inference function, also those for waiting, are taken.",
    todo: "Wait as long as `Retry-After` says. With `Prefer: respond-async` the answer waits for its place by itself; many questions belong into a batch.",
  },
  draining: {
    happened: "The function is about to stop, for a new version most often, and takes nothing new.",
    todo: "Try again in a few seconds: another takes its place.",
  },
  function_unreachable: {
    happened: "The edge is up, and no inference function could be reached.",
    todo: "Try again in a moment; `GET /health` says what is up. On your own installation: is the function running, and is `FUNCTION_URL` its address?",
  },
  function_timeout: {
    happened: "The function took the work and then said nothing for longer than it ever should.",
    todo: "Try again. Nothing was charged. The operator finds the `request_id` in both logs.",
  },
  function_reply_invalid: {
    happened: "The function's reply broke off or made no sense to the edge.",
    todo: "Try again. If it stays, edge and function are of versions that do not fit, or something between them changes what they say.",
  },
  function_outdated: {
    happened:
      "The function is older than the edge and does not understand its orders: a new version is being rolled out.",
    todo: "Try again in a few seconds. As the operator: functions are deployed before edges ([why](/docs/decisions/008-hop-version)).",
  },
  ticket_refused: {
    happened:
      "The function did not accept the edge's signed work order. Callers of the API never see this code: they are told `internal`.",
    todo: "As the operator: does the function know the public half of the edge's `TICKET_KEY` (`UNMASK_TICKET_KEYS`), and are both clocks right? The reason is in the function's log.",
    at: "/v1/generate",
  },
  insufficient_credit: {
    happened: "The account has less credit than the answer would cost. Nothing was computed.",
    todo: 'Top up, or ask for less: a smaller `canvas`, fewer `steps`, `"detail": "low"`. [Prices](/docs/prices) shows what each of them is worth. The webhook `credit.low` tells before it happens.',
  },
  spend_limit_reached: {
    happened:
      "The key, the token or the token's subject may spend so much in a day, a month or in all, and this answer would be more.",
    todo: "Wait for the next day or month (UTC), or have the limit raised: `PATCH /v1/keys/{id}`. A token's cap ends with the token: ask for a new one.",
  },
  price_above_maximum: {
    happened: "The answer would cost more than the `max_price_micros` that you set.",
    todo: "Raise it, or ask for less. `POST /v1/quotes` says the price before.",
  },
  card_changed: {
    happened:
      "The question brought the `card` of a quote, and the model's prices, or how it sees pictures, have changed since.",
    todo: "Ask for a new quote and decide again. Leave `card` out if any price is fine.",
  },
  rate_limited: {
    happened:
      "The key, the account or the subject has used up what it may do in a minute: requests, or steps.",
    todo: "Wait as long as `Retry-After` says; `RateLimit` in every reply tells what is left. Many questions at once belong into a batch.",
  },
  too_many_concurrent: {
    happened:
      "So many answers of this key or account are being made at once that no more are taken.",
    todo: "Wait for one to end, or ask with fewer requests at a time. A batch is one.",
  },
  idempotency_key_invalid: {
    happened:
      "The `Idempotency-Key` is empty, longer than 255 characters, or has characters other than printable ASCII.",
    todo: "Send a random UUID: each language has a function for one.",
  },
  idempotency_in_progress: {
    happened: "The first request with this `Idempotency-Key` is still being answered.",
    todo: "Wait and repeat it: then you get the first one's reply. Or read the answer at the `Location` that the first one was told.",
  },
  idempotency_mismatch: {
    happened: "This `Idempotency-Key` came with another body within the last 24 hours.",
    todo: "Draw a new key for each new question, and keep it for repetitions of that question alone.",
  },
  not_cached: {
    happened:
      "`Cache-Control: only-if-cached` asks for a kept answer and no other, and there is none.",
    todo: "Leave the header out to have it made.",
  },
  not_replayable: {
    happened:
      "The answer cannot be made again: it was not completed, its question is no longer kept, or another version of the decoder made it.",
    todo: "Ask the question again. What is kept for how long is in the [guarantees](/docs/guarantees).",
    at: "/v1/answers/ans_1/replay",
  },
  upload_token_used: {
    happened:
      "A client token for one upload has had its upload. It stays valid for that picture alone.",
    todo: "Ask your server for a token for each picture. If the upload was repeated because its reply got lost, the first one has arrived: the same file has the same id.",
    at: "/v1/images",
  },
  too_many_of: {
    happened: "An account may have so many of these and no more.",
    todo: "Delete one that is not needed any more.",
    at: "/v1/webhook_endpoints",
  },
  answer_restarted: {
    happened:
      "The machine that made the answer went away, and no other of its kind was left. The answer began anew, and text that your stream had told no longer holds.",
    todo: "Ask again; where the answer may be cached it is told at once. Our own stream goes on instead (`answer.restarted`): this code is for streams in OpenAI's and Moondream's shape, which have no word for it.",
    at: "/v1/chat/completions",
  },
  empty_answer: {
    happened:
      "The model filled the canvas and wrote no text on it, most often because the canvas is longer than it was trained for. It is charged nothing.",
    todo: "Ask with the canvas that the model's card recommends, or in other words. The same question on the same canvas comes to nothing again.",
  },
  internal: {
    happened: "Something broke on our side. It is in the log under the `request_id`.",
    todo: "Try again. If it stays, tell the operator the `request_id`. Nothing was charged.",
  },
};
