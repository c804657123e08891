import type { GetOptions, ObjectHead, ReadableStore } from "../object-store.ts";
import { rateLimitReset, retryAfterOf } from "../retries.ts";
import { WeightsError } from "../weights-error.ts";
import { createRequests, type Found, type Headers, type RequestOptions } from "./file-requests.ts";
import { bodyChunks, contentRange } from "./http-body.ts";

const FIRST_BYTE = { range: "bytes=0-0" };

/**
 * Sees the files under a URL as a store that can be read. Addresses elsewhere that its own host sends on to are kept and used
 * until they are refused: a hub counts the requests that it is asked, not those of its storage.
 */
export function httpStore(address: string, options: RequestOptions = {}): ReadableStore {
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

function revisionOf({ headers }: Response): string | undefined {
  return headers.get("etag") ?? headers.get("last-modified") ?? undefined;
}
