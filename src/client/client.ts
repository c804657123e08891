import type { AnswerFields } from "#wire/answer-request.ts";
import type { HealthBody, ModelListBody } from "#wire/responses.ts";
import { AnswerStream } from "./answer-stream.ts";
import { ConnectionError, parseProblem, RefusedError, ReplyError } from "./errors.ts";

/** What to ask. Defaults are the API's. */
export interface Ask extends Omit<AnswerFields, "stream"> {
  /** Picture files as they are, JPEG, PNG, WebP or GIF, in the order in which they are spoken of. */
  readonly images?: readonly (Uint8Array<ArrayBuffer> | Blob)[];
}

export interface ClientOptions {
  /** Where the API is, such as `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  /** Needed for everything but `health`. */
  readonly apiKey?: string;
  /** Another `fetch`, for tests or proxies. */
  readonly fetch?: typeof fetch;
}

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export type Health = HealthBody;
export type ModelList = ModelListBody;

/** The API, typed. Methods reject with UnmaskError, or with the reason of an aborted signal. */
export interface Client {
  /** Asks; the question is sent when the result is awaited or iterated. */
  ask(ask: Ask, options?: CallOptions): AnswerStream;
  models(options?: CallOptions): Promise<ModelList>;
  health(options?: CallOptions): Promise<Health>;
}

/** Makes a client. It keeps no connection and no state. */
export function createClient(options: ClientOptions): Client {
  return {
    ask: (ask, { signal } = {}) =>
      new AnswerStream(async (signal) => {
        const response = await send(options, "/v1/answers", {
          method: "POST",
          body: formOf(ask),
          headers: { accept: "text/event-stream" },
          signal,
        });
        const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
        if (response.body === null || isStream !== true)
          throw new ReplyError(`${options.baseUrl} did not answer with a stream of events`);
        return response.body;
      }, signal),
    models: async (call) => await getJson<ModelList>(options, "/v1/models", call),
    health: async (call) => await getJson<Health>(options, "/health", call),
  };
}

/** A form, because files travel in it as they are; JSON would need them in base64, a third larger. */
function formOf({ images = [], messages, stop = [], ...fields }: Ask): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  if (messages !== undefined) form.append("messages", JSON.stringify(messages));
  for (const text of [stop].flat()) form.append("stop", text);
  for (const image of images) {
    form.append("image", image instanceof Blob ? image : new Blob([image]), "picture");
  }
  return form;
}

async function getJson<Body>(
  options: ClientOptions,
  path: string,
  { signal }: CallOptions = {},
): Promise<Body> {
  const response = await send(options, path, signal === undefined ? {} : { signal });
  return (await readJson(response)) as Body;
}

/** Sends a request with the key; resolves to a reply that is a success. Rejects with UnmaskError. */
export async function send(
  { baseUrl, apiKey, fetch: request = fetch }: ClientOptions,
  path: string,
  init: RequestInit,
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey !== undefined) headers.set("authorization", `Bearer ${apiKey}`);
  let response: Response;
  try {
    response = await request(baseUrl.replace(/\/$/, "") + path, { ...init, headers });
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new ConnectionError(`${baseUrl} cannot be reached`, { cause });
  }
  if (response.ok) return response;
  const problem = parseProblem(await readJson(response));
  if (problem === undefined) throw new ReplyError(`${baseUrl} answered ${response.status}`);
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  throw new RefusedError(problem, Number.isFinite(retryAfter) ? retryAfter : undefined);
}

/** Reads a reply's JSON. Rejects with ReplyError where it is none. */
export async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ReplyError(`${response.url} did not answer with JSON (${response.status})`, {
      cause,
    });
  }
}
