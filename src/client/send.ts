import { networkFault } from "#domain/network-fault.ts";
import { ConnectionError, parseProblem, RefusedError, ReplyError, UnmaskError } from "./errors.ts";
import {
  anySignal,
  deferred,
  hasStreams,
  lateSignal,
  reasonOf,
  throwIfAborted,
} from "./platform.ts";

export interface ClientOptions {
  /** Where the API is, such as `http://127.0.0.1:8787`. Undefined, as a variable of the environment may be: every call rejects, and says so. */
  readonly baseUrl: string | undefined;
  /** Needed for everything but `health`. */
  readonly apiKey?: string | undefined;
  /** Another `fetch`, for tests or proxies. */
  readonly fetch?: typeof fetch;
  /**
   * Whether replies are read as they arrive. Default: wherever the runtime can; without it answers are looked at each second,
   * and told by `answer.snapshot`.
   */
  readonly stream?: boolean;
  /** How often a request is sent again, and a broken stream taken up again without a new event. Default 3. */
  readonly retries?: number;
  /** How long a reply is waited for, its last byte included. Default: as long as `fetch` does. Not for streams, which last as long as their answer. */
  readonly timeoutMs?: number;
  /** Draws from 0 … 1 how long is waited. Default `Math.random`. */
  readonly random?: () => number;
  /** Waits milliseconds; rejects with the reason of an abort. */
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export const DEFAULT_RETRIES = 3;

/** Bounds of a wait that the service does not name, doubled from try to try. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;

/** Who is told to come back later than this is better told so than kept waiting. */
const LONGEST_NAMED_WAIT_SECONDS = 30;

/** An equal request under way is waited for this often: at 2 s each, for 10 minutes. */
const MAX_WAITS_FOR_FIRST = 300;

/** Statuses by which proxies say that nobody behind them was there. Source: RFC 9110 sections 15.6.3 to 15.6.5. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Sends a request with the key, once; resolves to a reply that is a success. Rejects with UnmaskError, or the reason of an abort. */
export async function send(
  options: ClientOptions,
  path: string,
  init: RequestInit,
): Promise<Response> {
  const { baseUrl, apiKey, fetch: request = fetch } = options;
  if (baseUrl === undefined || baseUrl === "")
    throw new UnmaskError(
      "baseUrl is not set: say where the API is, such as http://127.0.0.1:8787",
    );
  const headers = new Headers(init.headers);
  if (apiKey !== undefined) authorize(headers, apiKey);
  const body =
    hasStreams() && init.body instanceof FormData ? await wholeForm(init.body, headers) : init.body;
  let response: Response;
  try {
    response = await request(baseUrl.replace(/\/$/, "") + path, {
      ...init,
      headers,
      ...(body === undefined ? {} : { body }),
      ...patienceOf(options, init.signal ?? undefined),
    });
  } catch (cause) {
    throwIfAborted(init.signal);
    if (cause instanceof UnmaskError) throw cause;
    const { says, isLasting } = networkFault(cause);
    throw new ConnectionError(`${baseUrl} cannot be reached: ${says}`, { cause, isLasting });
  }
  if (response.ok) return response;
  const { status } = response;
  const problem = parseProblem(await readJson(response));
  if (problem === undefined) throw new ReplyError(`${baseUrl} answered ${status}`, { status });
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  throw new RefusedError(problem, Number.isFinite(retryAfter) ? retryAfter : undefined);
}

/** The caller's signal, and one that ends with a ConnectionError where the time is over. */
function patienceOf(
  { baseUrl, timeoutMs }: ClientOptions,
  signal: AbortSignal | undefined,
): { readonly signal?: AbortSignal } {
  if (timeoutMs === undefined) return signal === undefined ? {} : { signal };
  const late = lateSignal(
    timeoutMs,
    () => new ConnectionError(`${baseUrl} did not answer within ${timeoutMs / 1000} s`),
  );
  return { signal: signal === undefined ? late : anySignal([signal, late]) };
}

function authorize(headers: Headers, apiKey: string): void {
  try {
    headers.set("authorization", `Bearer ${apiKey}`);
  } catch (cause) {
    throw new ConnectionError("the key holds what no header can carry, such as a line break", {
      cause,
      isLasting: true,
    });
  }
}

/** A form as the bytes that are sent. Given as it is, Node's fetch ends the process where it never gets to send it. */
async function wholeForm(form: FormData, headers: Headers): Promise<ArrayBuffer> {
  const encoded = new Response(form);
  headers.set("content-type", encoded.headers.get("content-type") ?? "multipart/form-data");
  return await encoded.arrayBuffer();
}

/** As `send`, and again where that may help. Only for requests that do no more when they arrive twice. */
export async function sendAgain(
  options: ClientOptions,
  path: string,
  init: RequestInit,
): Promise<Response> {
  return await tryAgain(options, init, () => send(options, path, init));
}

async function tryAgain<Value>(
  options: ClientOptions,
  { signal }: RequestInit,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const { retries = DEFAULT_RETRIES } = options;
  let waits = 0;
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (cause) {
      const isFirstUnderWay =
        cause instanceof RefusedError && cause.problem.code === "idempotency_in_progress";
      if (isFirstUnderWay ? ++waits > MAX_WAITS_FOR_FIRST : ++failures > retries) throw cause;
      if (!isPassing(cause)) throw cause;
      await pause(options, failures, cause, signal ?? undefined);
    }
  }
}

/** Waits before try number `failures` + 1: as long as the service said, or twice as long from try to try, at random so that not all come back at once. */
export async function pause(
  { random = Math.random, sleep = sleepFor }: ClientOptions,
  failures: number,
  cause: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  const named = cause instanceof RefusedError ? (cause.retryAfterSeconds ?? 0) : 0;
  const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1));
  await sleep(named * 1000 + random() * bound, signal);
}

function isPassing(cause: unknown): boolean {
  if (cause instanceof ConnectionError) return !cause.isLasting;
  if (cause instanceof ReplyError)
    return cause.status !== undefined && PASSING_STATUSES.has(cause.status);
  if (!(cause instanceof RefusedError)) return false;
  return cause.problem.retryable && (cause.retryAfterSeconds ?? 0) <= LONGEST_NAMED_WAIT_SECONDS;
}

/** Waits so many milliseconds. Rejects with the reason of an abort. */
export async function restFor(
  { sleep = sleepFor }: ClientOptions,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  await sleep(milliseconds, signal);
}

async function sleepFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const { promise, resolve, reject } = deferred<void>();
  const timer = setTimeout(resolve, milliseconds);
  const leave = (): void => reject(signal === undefined ? undefined : reasonOf(signal));
  signal?.addEventListener("abort", leave, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  }
}

/** Sends a request and reads the object that is its reply, again where that may help. */
export async function call<Body extends ApiObject>(
  options: ClientOptions,
  path: string,
  init: RequestInit,
): Promise<Body> {
  return await tryAgain(options, init, async () => readObject(await send(options, path, init)));
}

/** What every reply of the API says of itself. */
export interface ApiObject {
  readonly object: string;
}

/** Reads a reply that says what it is. Rejects with ReplyError where it does not: whatever answered is not this API. */
export async function readObject<Body extends ApiObject>(response: Response): Promise<Body> {
  const body = await readJson(response);
  const isObject =
    typeof body === "object" &&
    body !== null &&
    "object" in body &&
    typeof body.object === "string";
  if (isObject) return body as Body;
  const { url, status } = response;
  throw new ReplyError(`${url} answered with JSON that is not this API's (${status})`, { status });
}

/** Reads a reply's JSON. Rejects with ReplyError where it is none, ConnectionError where it breaks off. */
export async function readJson(response: Response): Promise<unknown> {
  const { url, status } = response;
  try {
    return await response.json();
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new ReplyError(`${url} did not answer with JSON (${status})`, { cause, status });
    // Anything else but an abort is how a runtime tells that the body did not arrive.
    if (!(cause instanceof TypeError)) throw cause;
    throw new ConnectionError(`${url} broke off within its reply (${status})`, { cause });
  }
}

/** Reads a list page after page. */
export async function* readPages<Item>(
  options: ClientOptions,
  path: string,
  { signal }: CallOptions = {},
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | null = null;
  do {
    const separator = path.includes("?") ? "&" : "?";
    const after: string = cursor === null ? "" : `${separator}after=${encodeURIComponent(cursor)}`;
    const page: ApiObject & {
      readonly data: readonly Item[];
      readonly next_cursor: string | null;
    } = await call(options, path + after, signal === undefined ? {} : { signal });
    if (!Array.isArray(page.data)) throw new ReplyError(`${path} did not answer with a list`);
    yield* page.data;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
