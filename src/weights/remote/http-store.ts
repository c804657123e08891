import type { GetOptions, ObjectHead, ReadableStore } from "../object-store.ts";
import { rateLimitReset, retryAfterOf } from "../retries.ts";
import { WeightsError } from "../weights-error.ts";
import { type HeadersFor, type Hop, walkOn, walkOrigin } from "./redirects.ts";

export interface HttpStoreOptions {
  /** What every request to an origin carries; nothing if absent. */
  readonly headersFor?: HeadersFor;
  /** Looks at each reply of the store's own origin; throws where it is not what it should be. */
  readonly check?: (hop: Hop) => void;
}

/** A reply, and what is known of the file besides. */
interface Found extends Hop {
  /** What the file's own host said of it, whatever its storage says. Source: `X-Linked-ETag`, `X-Linked-Size` of Hugging Face. */
  readonly linked: Partial<ObjectHead>;
  /** It came from another address than the file's own. */
  readonly isRedirected: boolean;
}

/** An address elsewhere that a file's own host has given out for it. */
interface Target {
  readonly kind: "target";
  readonly url: URL;
  readonly linked: Partial<ObjectHead>;
}

/** What comes of asking a file's own host: the file, or where it is. */
type Resolved = { readonly kind: "reply"; readonly found: Found } | Target;

/**
 * A hub sends on to a signed address that expires. Where that one refuses, the hub (or a cache before it) gave out one that is
 * too old: asked again it gives a fresh one. Three times, because an address that is refused when fresh stays refused.
 */
const MAX_RESOLUTIONS = 3;

/** What storages answer to a signature that has expired. Sources: S3 and CloudFront 403, Google 400, Azure 401 or 403. */
const EXPIRED: ReadonlySet<number> = new Set([400, 401, 403, 410]);

/** Ranges count bytes as they lie there. */
const IDENTITY = { "accept-encoding": "identity" };

/** Asks whatever caches stand before a hub to ask it anew. */
const FRESH = { "cache-control": "no-cache" };

const FIRST_BYTE = { range: "bytes=0-0" };

type Headers = Readonly<Record<string, string>>;

/**
 * Sees the files under a URL as a store that can be read. Addresses elsewhere that its own host sends on to are kept and used
 * until they are refused: a hub counts the requests that it is asked, not those of its storage.
 */
export function httpStore(address: string, options: HttpStoreOptions = {}): ReadableStore {
  const requests = createRequests(address, options);
  return {
    address,
    async head(key, signal) {
      // One byte by GET instead of HEAD: hubs redirect to signed addresses that allow GET only, and compress HEAD's length away.
      const first = await requests.resolve(key, FIRST_BYTE, signal);
      if (first.kind === "target") {
        const { bytes, etag } = first.linked;
        // Where the hub itself says how long the file is and which, its storage need not be asked.
        if (bytes !== undefined && etag !== undefined) return { bytes, etag };
      }
      return headIn(await requests.request(key, FIRST_BYTE, signal, first), address, key);
    },
    async get(key, { range, ifMatch, signal } = {}) {
      const found = await requests.request(key, rangeHeader(range), signal);
      throwUnlessOk(found, address, key);
      const { response, linked } = found;
      const etag = linked.etag ?? revisionOf(response);
      const place = contentRange(response);
      const bytes = place?.objectBytes ?? linked.bytes;
      const isOther =
        (ifMatch !== undefined && etag !== ifMatch) ||
        (linked.bytes !== undefined && bytes !== linked.bytes);
      if (isOther) {
        await response.body?.cancel();
        throw new WeightsError("object_changed", `${address}/${key} was replaced`);
      }
      return {
        objectBytes: bytes,
        etag,
        offset: place?.offset ?? 0,
        chunks: bodyChunks(response, `${address}/${key}`, signal),
      };
    },
    list() {
      throw new WeightsError("store_refused", `${address} cannot be listed`);
    },
  };
}

interface Requests {
  /** Asks the file's own host. */
  resolve(key: string, extra: Headers, signal?: AbortSignal): Promise<Resolved>;
  /** Asks wherever the file is, as often as its address turns out to be too old; `first` is what the host has said just now. */
  request(key: string, range: Headers, signal?: AbortSignal, first?: Resolved): Promise<Found>;
}

function createRequests(
  address: string,
  { headersFor = () => ({}), check = () => undefined }: HttpStoreOptions,
): Requests {
  const targets = new Map<string, Target>();
  const underWay = new Map<string, Promise<Resolved>>();
  const served = new Set<string>();

  const walk = async (key: string, extra: Headers, signal?: AbortSignal): Promise<Resolved> => {
    const start = new URL(`${address}/${key}`);
    let linked: Partial<ObjectHead> = {};
    const headers = { ...IDENTITY, ...headersFor(start.origin), ...extra };
    const { last, leads } = await walkOrigin(start, headers, signal, (hop) => {
      check(hop);
      linked = { ...linkedOf(hop.response), ...linked };
    });
    if (leads !== undefined) {
      const target: Target = { kind: "target", url: leads, linked };
      targets.set(key, target);
      return target;
    }
    targets.delete(key);
    served.add(key);
    const isRedirected = last.url.href !== start.href;
    return { kind: "reply", found: { ...last, linked, isRedirected } };
  };

  /** Readers of one file whose address expires all at once ask for the new one once. */
  const resolve = async (key: string, extra: Headers, signal?: AbortSignal): Promise<Resolved> => {
    if (served.has(key)) return walk(key, extra, signal); // nothing to share: each reply is its asker's own
    const other = await underWay.get(key)?.catch(() => undefined); // told to whoever began it
    if (other?.kind === "target") return other;
    const walking = walk(key, extra, signal);
    underWay.set(key, walking);
    try {
      return await walking;
    } finally {
      if (underWay.get(key) === walking) underWay.delete(key);
    }
  };

  const request: Requests["request"] = async (key, range, signal, first) => {
    let step: Resolved | undefined = first ?? targets.get(key);
    for (let resolutions = first === undefined ? 0 : 1; ; ) {
      if (step === undefined) {
        step = await resolve(key, { ...range, ...(resolutions > 0 ? FRESH : {}) }, signal);
        resolutions += 1;
      }
      const found = step.kind === "reply" ? step.found : await follow(step, range, signal);
      const isStale = found.isRedirected && EXPIRED.has(found.response.status);
      if (!isStale || resolutions >= MAX_RESOLUTIONS) return found;
      await found.response.body?.cancel();
      const known = targets.get(key);
      if (known === step) targets.delete(key);
      step = targets.get(key); // another reader's, newer than the one that was refused
    }
  };

  const follow = async (target: Target, range: Headers, signal?: AbortSignal): Promise<Found> => {
    const headers: HeadersFor = (origin) => ({ ...IDENTITY, ...headersFor(origin), ...range });
    const hop = await walkOn(target.url, headers, signal);
    return { ...hop, linked: target.linked, isRedirected: true };
  };

  return { resolve, request };
}

function rangeHeader(range: GetOptions["range"]): Headers {
  return range === undefined
    ? {}
    : { range: `bytes=${range.offset}-${range.offset + range.bytes - 1}` };
}

/** Reads size and revision of a file from the reply to a request for its first byte. */
async function headIn(found: Found, address: string, key: string): Promise<ObjectHead | undefined> {
  const { response, linked } = found;
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  throwUnlessOk(found, address, key);
  refusePage(response, `${address}/${key}`);
  const bytes =
    contentRange(response)?.objectBytes ??
    linked.bytes ??
    Number(response.headers.get("content-length") ?? Number.NaN);
  if (!Number.isSafeInteger(bytes)) {
    throw new WeightsError("store_refused", `${address}/${key} does not say how long it is`);
  }
  return { bytes, etag: linked.etag ?? revisionOf(response) ?? "" };
}

/** Tells of the address that was asked, never of the signed one it led to: a signature is a key for as long as it lives. */
function throwUnlessOk({ response, url, isRedirected }: Found, address: string, key: string): void {
  if (response.ok) return;
  const place = isRedirected ? ` from ${url.host}` : "";
  const says = `${address}/${key} answered ${response.status}${place}`;
  throw refusalOf(response, says);
}

/** What kind of fault a reply that is no success is. */
export function refusalOf({ status, headers }: Response, says: string): WeightsError {
  if (status === 404) return new WeightsError("not_found", says);
  if (status === 401 || status === 403) return new WeightsError("access_denied", says);
  const isBusy = status >= 500 || status === 408 || status === 425 || status === 429;
  if (!isBusy) return new WeightsError("store_refused", says);
  const retryAfterMs =
    retryAfterOf(headers.get("retry-after"), headers.get("date")) ??
    rateLimitReset(headers.get("ratelimit"));
  return new WeightsError(
    "store_unavailable",
    says,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

/** What a hub shows to people lies beside its files, and answers 200. */
function refusePage({ headers }: Response, url: string): void {
  if (!/^text\/html\b/i.test(headers.get("content-type") ?? "")) return;
  throw new WeightsError(
    "store_refused",
    `${url} is a web page, not a file of a checkpoint; on a model hub the files lie under …/resolve/REVISION`,
  );
}

function linkedOf({ headers }: Response): Partial<ObjectHead> {
  const etag = headers.get("x-linked-etag");
  const size = headers.get("x-linked-size") ?? "";
  return {
    ...(etag === null ? {} : { etag }),
    ...(/^\d{1,15}$/.test(size) ? { bytes: Number(size) } : {}),
  };
}

function contentRange({ headers }: Response): { offset: number; objectBytes: number } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "");
  return match === null ? undefined : { offset: Number(match[1]), objectBytes: Number(match[2]) };
}

function revisionOf({ headers }: Response): string | undefined {
  return headers.get("etag") ?? headers.get("last-modified") ?? undefined;
}

async function* bodyChunks(
  response: Response,
  url: string,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let isOpen = true;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isOpen = !done;
      if (done) return;
      yield value;
    }
  } catch (cause) {
    isOpen = false;
    signal?.throwIfAborted();
    throw new WeightsError("store_unavailable", `${url} broke off`, { cause });
  } finally {
    if (isOpen) await reader.cancel(); // a broken stream would answer with its own fault once more
  }
}
