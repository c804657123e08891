import type { AdviceOf, AskingKind } from "./advice.ts";

/** Of what may be wrong with a request: who asks, what, how often, for how much. */
export const askingAdvice: AdviceOf<AskingKind> = {
  unauthenticated: {
    happened:
      "The request brought no key, or one that is unknown, expired or revoked. Which of these it was is not told, so that nobody can try keys out.",
    todo: "Send `Authorization: Bearer umk_…` with a key of this installation; look for a missing `Bearer`, a line break at the end of the key, or a key of another installation. A client token lives for minutes: ask your server for a new one. `/v1/accounts` takes the administrator's key and no other, `/v1/keys` also a key with the scope `keys`.",
  },
  scope_missing: {
    happened: "The key is valid, and was not given the scope that this route needs.",
    todo: "Use a key with that scope, or have the administrator add it: `PATCH /v1/keys/{id}`. The scopes are `ask`, `jobs`, `webhooks`, `usage` and `keys`. A session of the dashboard may do what its key may, as far as it was asked for at sign-in.",
    at: "/v1/usage",
  },
  session_ended: {
    happened:
      "The request brought the cookie of a session of the dashboard, and that session has ended: a session ends when it is signed out, unused for half an hour (an administrator's: a quarter), twelve hours (one hour) old, or when the key that opened it is revoked, expires or is given another secret.",
    todo: "Sign in again: `POST /v1/sessions`. `/account` asks for it by itself.",
    at: "/v1/account",
  },
  session_forged: {
    happened:
      "The request brought the cookie of a session, and nothing that shows that a page of this very address sent it. Browsers send cookies along with what other pages make them send, so a cookie alone changes nothing.",
    todo: "Send `X-Unmask-Session: 1` with every request of a session that is not a GET, and from a program the `Origin` of the installation too. Programs are better off with a key.",
    at: "/v1/keys",
  },
  https_required: {
    happened:
      "Somebody wanted to sign in over plain HTTP at an address that is not this machine's own. The cookie would travel in the clear.",
    todo: "Open the dashboard with `https://`; on your own machine by `127.0.0.1` or `localhost`.",
    at: "/v1/sessions",
  },
  too_many_attempts: {
    happened:
      "Ten wrong keys or codes came from your network within ten minutes, so no other is looked at for the rest of them.",
    todo: "Wait as long as `Retry-After` says. Was the key revoked, or the code used? A code is good for ten minutes and once.",
    at: "/v1/sessions",
  },
  key_stronger: {
    happened:
      "A key, or a session of one, wanted to change another key of the account that may do more than it: more scopes, other models, more spending, or for longer. Whoever may rotate a key has it, so this would be a way to get more.",
    todo: "Use a key that may do as much, or the administrator's. To revoke a key is always allowed: that takes away and gives nobody anything.",
    at: "/v1/keys/0Kb3nV7cQ2xY9mTg/rotate",
  },
  payment_signature_invalid: {
    happened:
      "Something said at the address for payments that money was paid, and its signature is wrong, missing, or older than five minutes. Nothing was booked.",
    todo: "As the operator: is the `secret` of `TOP_UP` the one that the provider shows for this endpoint, does anything on the way change the body, and is the clock right? The provider sends the event again by itself.",
    at: "/v1/payments/stripe",
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
  model_not_downloadable: {
    happened:
      "The model can be asked here, and whoever runs the installation has not said that its weights may be given out.",
    todo: "Ask it through `POST /v1/answers`, or take one that `GET /v1/models` calls `downloadable`. As the operator: `downloadable` in [`MODEL_CARDS`](/docs/settings), where the weights' licence allows it.",
    at: "/v1/models/unmask-demo/bundle",
  },
  range_not_satisfiable: {
    happened:
      "The request's `Range` begins behind the end of the file; `Content-Range` says how long it is.",
    todo: "Nothing is left to fetch: check what you have by its SHA-256, which is its name, and fetch it whole if it is another.",
    at: "/v1/models/unmask-demo/bundle",
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
  fields_invalid: {
    happened:
      "The `fields` of the request cannot be read: a type that there is not, a name that is not taken, a range without a number in it. `errors` points to each.",
    todo: "Mend the members that `errors` points to; the [reference](/docs/reference) has what each type of field takes. A model may want more than another: one that is asked in whole questions needs `instructions` of every field.",
  },
  field_options_collide: {
    happened:
      "Two options of a field are the same text, as Unicode sees it (NFC), or the model reads both as the same words, so that no probability could tell them apart.",
    todo: "Word one of the two otherwise. What an option means can stand in its description, which need not be distinct.",
  },
  fields_too_large: {
    happened:
      "The fields need a longer canvas, more passes or more text than a request or this model has room for.",
    todo: "Send fewer fields, ask for shorter texts (`max_tokens`) and lists (`max_items`), or share the fields out over several requests: the picture is looked at once for each.",
  },
  schema_unsupported: {
    happened:
      "A JSON Schema asks for what is not read off a picture: `errors` points to the first such part of it.",
    todo: "Use the part of JSON Schema that is supported: an object whose properties are booleans, enumerations, bounded numbers, texts, dates and short lists, all of them required. What is optional is a value that may be null.",
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
      "The answer cannot be made again: it was not completed, its question is no longer kept, another version of the decoder made it, or its weights are not served any more.",
    todo: "Ask the question again. What is kept for how long is in the [guarantees](/docs/guarantees).",
    at: "/v1/answers/ans_1/replay",
  },
  answer_not_kept: {
    happened:
      "A request with this `Idempotency-Key` was answered and charged before, and its words are not kept any more: it was asked with `store: false`, its retention is over, or it was deleted. Nothing was charged again.",
    todo: "Ask anew with another key if you need the words: that is a new answer, and is charged. What is kept for how long is on the page [privacy](/docs/privacy).",
  },
  previous_response_not_found: {
    happened:
      "A request of OpenAI's responses goes on from an earlier one, by `previous_response_id` or by the id of a message, and that one is not there for this account, was not stored, is still being made, or came to nothing. What a response was asked is kept for a day at the most, its answer for longer.",
    todo: "Send the whole conversation as `input`, without `previous_response_id`. OpenAI's code and status are the same, so that what you wrote for theirs does it already.",
    at: "/v1/responses",
  },
  still_running: {
    happened: "What is still being made is not deleted.",
    todo: "Cancel it, which charges the steps that ran, then delete it.",
    at: "/v1/answers/ans_1",
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
};
