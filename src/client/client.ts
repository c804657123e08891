import type { ClientTokenBody, ClientTokenRequest } from "#wire/api/accounts/client-token.ts";
import type { ErasureBody } from "#wire/api/accounts/erasures.ts";
import type { AnswerListQuery, AnswerSummaryBody } from "#wire/api/answers/answer-list.ts";
import type { BatchBody, BatchResultBody } from "#wire/api/answers/batches.ts";
import type { UploadBody } from "#wire/api/answers/images.ts";
import type { QuoteBody } from "#wire/api/answers/quotes.ts";
import type { ScoresBody } from "#wire/api/answers/scores/score-reply.ts";
import type { HealthBody } from "#wire/api/health.ts";
import type { ModelListBody } from "#wire/api/models.ts";
import { type Answer, AnswerStream, type StreamOf } from "./answer-stream.ts";
import { type Ask, bodyOf, jsonOf, type ScoresAsk } from "./ask.ts";
import { ReplyError } from "./errors.ts";
import type { Fields } from "./fields/typed-fields.ts";
import { openAnswer, watchAnswer } from "./open-answer.ts";
import { randomKey } from "./platform.ts";
import { type Replay, replayAnswer } from "./replay.ts";
import {
  type ApiObject,
  type CallOptions,
  type ClientOptions,
  call,
  readJson,
  readPages,
  send,
} from "./send.ts";

import { createWebhookCalls, type WebhookCalls } from "./webhook-calls.ts";

/** How far the erasure of an account is. */
export type Erasure = ErasureBody;
export type Health = HealthBody;
export type ModelList = ModelListBody;
/** How likely each of some answers is. */
export type Scores = ScoresBody;

/** How a question is asked. */
export interface AskOptions extends CallOptions {
  /** Under which the same question, asked again, gets the same answer, charged once. Default: a random one per `ask`. */
  readonly idempotencyKey?: string;
}

/** From where an answer is watched. */
export interface WatchOptions extends CallOptions {
  /** The `id` of the event that was heard last; absent: from the first. */
  readonly lastEventId?: string;
}

/** What a client token is to be good for. Defaults are the API's; only one upload needs no cap. */
export type NewClientToken = Partial<ClientTokenRequest>;

/** Many questions at once; what stands in `defaults` holds for each that does not say otherwise. */
export interface Batch {
  readonly items: readonly BatchQuestion[];
  readonly defaults?: Omit<
    Ask,
    OfOneAnswer | "images" | "webhook" | "deadline_ms" | "max_price_micros"
  >;
  readonly webhook?: Ask["webhook"];
  readonly deadline_ms?: number;
  /** What all may cost together at most. */
  readonly max_price_micros?: number;
}

/** What means something for one answer alone, and is refused in a batch. */
type OfOneAnswer = "stream" | "alternatives" | "store" | "retention";

export interface BatchQuestion extends Omit<Ask, OfOneAnswer | "images" | "webhook"> {
  /** Your own name for it. */
  readonly custom_id?: string;
  readonly images?: readonly ({ readonly url: string } | { readonly id: string })[];
}

/** The API, typed. Methods reject with UnmaskError, or with the reason of an aborted signal. */
export interface Client {
  /**
   * Asks; the question is sent when the result is awaited or iterated. The values of fields that it names have the types that their
   * definitions say.
   */
  ask<const Asked extends Fields = never>(
    ask: Ask & { readonly fields?: Asked },
    options?: AskOptions,
  ): StreamOf<Asked>;
  /** Comes back to an answer by its id, be it under way or over; leaving it stops nothing. */
  watch(answerId: string, options?: WatchOptions): AnswerStream;
  /** Says what a question would cost. */
  quote(ask: Ask | ScoresAsk, options?: CallOptions): Promise<QuoteBody>;
  /** Says how likely the model is to give each of some answers. */
  scores(ask: ScoresAsk, options?: AskOptions): Promise<Scores>;
  readonly answers: {
    get(id: string, options?: CallOptions): Promise<Answer>;
    /** Newest first. */
    list(
      filter?: Pick<AnswerListQuery, "status">,
      options?: CallOptions,
    ): AsyncIterable<AnswerSummaryBody>;
    /** Stops it where it stands; tells what was charged. */
    cancel(id: string, options?: CallOptions): Promise<Answer>;
    /** Deletes one that has ended, with everything that came of it. */
    delete(id: string, options?: CallOptions): Promise<void>;
    /** Makes it afresh, charged like any other, and compares. */
    replay(id: string, options?: CallOptions): Promise<Replay>;
  };
  readonly images: {
    /** Uploads a picture once, to ask about by its id often. */
    upload(file: Uint8Array<ArrayBuffer> | Blob, options?: CallOptions): Promise<UploadBody>;
    get(id: string, options?: CallOptions): Promise<UploadBody>;
    /** Forgets it at once; answers that were made from it stay. */
    delete(id: string, options?: CallOptions): Promise<void>;
  };
  readonly clientTokens: {
    /** Makes what an app may hold in place of the key: on a server of your own, never in the app. */
    create(token: NewClientToken, options?: CallOptions): Promise<ClientTokenBody>;
  };
  readonly batches: {
    create(batch: Batch, options?: AskOptions): Promise<BatchBody>;
    get(id: string, options?: CallOptions): Promise<BatchBody>;
    results(id: string, options?: CallOptions): AsyncIterable<BatchResultBody>;
    cancel(id: string, options?: CallOptions): Promise<BatchBody>;
    /** Deletes one that has ended, with its answers. */
    delete(id: string, options?: CallOptions): Promise<void>;
  };
  readonly account: {
    /** Erases the account for ever, with a key that manages keys; `confirm` is its id. Tells how far it is. */
    erase(confirm: string, options?: CallOptions): Promise<Erasure>;
  };
  /** How far an erasure is; needs its id and no key. */
  erasure(id: string, options?: CallOptions): Promise<Erasure>;
  readonly webhooks: WebhookCalls;
  models(options?: CallOptions): Promise<ModelList>;
  /** As it is now: not asked again when nobody answers. */
  health(options?: CallOptions): Promise<Health>;
}

/** Makes a client. It keeps no connection and no state. */
export function createClient(options: ClientOptions): Client {
  const get = async <Body extends ApiObject>(
    path: string,
    { signal }: CallOptions = {},
  ): Promise<Body> => await call(options, path, signal === undefined ? {} : { signal });
  const post = async <Body extends ApiObject>(
    path: string,
    body: FormData | string | null = null,
    { signal, idempotencyKey }: AskOptions = {},
  ): Promise<Body> =>
    await call(options, path, {
      method: "POST",
      body,
      headers: {
        ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
  const remove = async (path: string, { signal }: CallOptions = {}): Promise<void> => {
    const init = { method: "DELETE", ...(signal === undefined ? {} : { signal }) };
    const response = await send(options, path, init);
    await response.body?.cancel();
  };
  const at = (list: string, id: string): string => `/v1/${list}/${encodeURIComponent(id)}`;
  return {
    ask: <Stream>(ask: Ask, { signal, idempotencyKey = randomKey() }: AskOptions = {}): Stream =>
      new AnswerStream(openAnswer(options, ask, idempotencyKey), signal) as Stream,
    watch: (answerId, { signal, lastEventId } = {}) =>
      new AnswerStream(watchAnswer(options, answerId, lastEventId), signal),
    quote: async (ask, call) =>
      await post("/v1/quotes", await ("answers" in ask ? jsonOf(ask) : bodyOf(ask)), call),
    scores: async (ask, { idempotencyKey = randomKey(), ...call } = {}) =>
      await post("/v1/scores", await jsonOf(ask), { ...call, idempotencyKey }),
    answers: {
      get: (id, call) => get(at("answers", id), call),
      list: ({ status } = {}, call) =>
        readPages(
          options,
          `/v1/answers?limit=100${status === undefined ? "" : `&status=${status}`}`,
          call,
        ),
      cancel: (id, call) => post(`${at("answers", id)}/cancel`, null, call),
      delete: (id, call) => remove(at("answers", id), call),
      replay: (id, call) => replayAnswer(options, id, call),
    },
    images: {
      // Its bytes alone: a form that every runtime can send.
      upload: (file, { signal } = {}) =>
        call(options, "/v1/images", {
          method: "POST",
          body: file,
          headers: { "content-type": "application/octet-stream" },
          ...(signal === undefined ? {} : { signal }),
        }),
      get: (id, call) => get(at("images", id), call),
      delete: (id, call) => remove(at("images", id), call),
    },
    clientTokens: {
      create: (token, call) => post("/v1/client_tokens", JSON.stringify(token), call),
    },
    batches: {
      create: (batch, { idempotencyKey = randomKey(), ...call } = {}) =>
        post("/v1/batches", JSON.stringify(batch), { ...call, idempotencyKey }),
      get: (id, call) => get(at("batches", id), call),
      results: (id, call) => readPages(options, `${at("batches", id)}/results?limit=100`, call),
      cancel: (id, call) => post(`${at("batches", id)}/cancel`, null, call),
      delete: (id, call) => remove(at("batches", id), call),
    },
    account: {
      erase: (confirm, call) => post("/v1/account/erase", JSON.stringify({ confirm }), call),
    },
    erasure: (id, call) => get(at("erasures", id), call),
    webhooks: createWebhookCalls(options),
    models: (call) => get("/v1/models", call),
    health: async ({ signal } = {}) =>
      readHealth(await send(options, "/health", signal === undefined ? {} : { signal })),
  };
}

async function readHealth(response: Response): Promise<Health> {
  const body = await readJson(response);
  if (isHealth(body)) return body;
  throw new ReplyError(`${response.url} does not say how the service is`, {
    status: response.status,
  });
}

function isHealth(body: unknown): body is Health {
  if (typeof body !== "object" || body === null || !("function" in body)) return false;
  const state = body.function;
  return typeof state === "object" && state !== null && "state" in state;
}
