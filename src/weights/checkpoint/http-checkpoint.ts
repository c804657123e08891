import { networkFault } from "#domain/network-fault.ts";
import type { ReadableStore } from "../object-store.ts";
import { retryAfterOf } from "../retries.ts";
import { WeightsError } from "../weights-error.ts";
import type { CheckpointFolder } from "./checkpoint.ts";
import { type FetchingOptions, storedCheckpoint } from "./stored-checkpoint.ts";

/**
 * Sees the files under a URL as a checkpoint folder (a model hub's `resolve/<revision>` address). Plain http cannot list, so
 * without an index the weights are looked for in `model.safetensors`.
 */
export function httpCheckpoint(url: string, options: FetchingOptions = {}): CheckpointFolder {
  return { ...storedCheckpoint(httpStore(url), options), list: async () => undefined };
}

function httpStore(address: string): ReadableStore {
  return {
    address,
    async head(key, signal) {
      // One byte by GET instead of HEAD: hubs redirect to signed addresses that allow GET only, and compress HEAD's length away.
      const response = await request(`${address}/${key}`, "bytes=0-0", signal);
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      throwUnlessOk(response, address, key);
      refusePage(response, `${address}/${key}`);
      const place = contentRange(response);
      const bytes =
        place?.objectBytes ?? Number(response.headers.get("content-length") ?? Number.NaN);
      if (!Number.isSafeInteger(bytes)) {
        throw new WeightsError("store_refused", `${address}/${key} does not say how long it is`);
      }
      return { bytes, etag: revisionOf(response) ?? "" };
    },
    async get(key, { range, ifMatch, signal } = {}) {
      const header =
        range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.bytes - 1}`;
      const response = await request(`${address}/${key}`, header, signal);
      throwUnlessOk(response, address, key);
      const etag = revisionOf(response);
      if (ifMatch !== undefined && etag !== ifMatch) {
        throw new WeightsError("object_changed", `${address}/${key} was replaced`);
      }
      const place = contentRange(response);
      return {
        objectBytes: place?.objectBytes,
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

/**
 * A hub sends on to a signed address that expires. Where that one refuses, the hub (or a cache before it) gave out one that is
 * too old: asked again it gives a fresh one. Three times, because an address that is refused when fresh stays refused.
 */
const MAX_RESOLUTIONS = 3;

/** What storages answer to a signature that has expired. Sources: S3 and CloudFront 403, Google 400, Azure 401 or 403. */
const EXPIRED: ReadonlySet<number> = new Set([400, 401, 403, 410]);

async function request(
  url: string,
  range: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let response = await requestOnce(url, { range, isFresh: false }, signal);
  for (let tries = 1; tries < MAX_RESOLUTIONS; tries++) {
    if (!response.redirected || !EXPIRED.has(response.status)) break;
    await response.body?.cancel();
    response = await requestOnce(url, { range, isFresh: true }, signal);
  }
  return response;
}

async function requestOnce(
  url: string,
  { range, isFresh }: { readonly range: string | undefined; readonly isFresh: boolean },
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: {
        "accept-encoding": "identity",
        ...(range === undefined ? {} : { range }),
        ...(isFresh ? { "cache-control": "no-cache" } : {}),
      },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const { says, isLasting } = networkFault(cause);
    throw new WeightsError(
      isLasting ? "store_refused" : "store_unavailable",
      `${url} cannot be reached: ${says}`,
      { cause, isUnreached: true },
    );
  }
}

/** Tells of the address that was asked, never of the signed one it led to: a signature is a key for as long as it lives. */
function throwUnlessOk(response: Response, address: string, key: string): void {
  const { ok, status, headers, redirected } = response;
  if (ok) return;
  const place = redirected ? ` from ${new URL(response.url).host}` : "";
  const says = `${address}/${key} answered ${status}${place}`;
  if (status === 404) throw new WeightsError("not_found", says);
  if (status === 401 || status === 403) throw new WeightsError("access_denied", says);
  const isBusy = status >= 500 || status === 408 || status === 425 || status === 429;
  if (!isBusy) throw new WeightsError("store_refused", says);
  const retryAfterMs = retryAfterOf(headers.get("retry-after"), headers.get("date"));
  throw new WeightsError(
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
