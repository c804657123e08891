import type { ReadableStore } from "../object-store.ts";
import { WeightsError } from "../weights-error.ts";
import type { CheckpointFolder } from "./checkpoint.ts";
import { storedCheckpoint } from "./stored-checkpoint.ts";

/**
 * Sees the files under a URL as a checkpoint folder (a model hub's `resolve/<revision>` address). Plain http cannot list, so
 * without an index the weights are looked for in `model.safetensors`.
 */
export function httpCheckpoint(url: string): CheckpointFolder {
  return { ...storedCheckpoint(httpStore(url)), list: async () => undefined };
}

function httpStore(address: string): ReadableStore {
  return {
    address,
    async head(key, signal) {
      // One byte by GET instead of HEAD: hubs redirect to signed addresses that allow GET only, and compress HEAD's length away.
      const response = await request(`${address}/${key}`, "bytes=0-0", signal);
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      throwUnlessOk(response);
      const place = contentRange(response);
      const bytes =
        place?.objectBytes ?? Number(response.headers.get("content-length") ?? Number.NaN);
      if (!Number.isSafeInteger(bytes)) {
        throw new WeightsError("store_refused", `${response.url} does not say how long it is`);
      }
      return { bytes, etag: revisionOf(response) ?? "" };
    },
    async get(key, { range, ifMatch, signal } = {}) {
      const header =
        range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.bytes - 1}`;
      const response = await request(`${address}/${key}`, header, signal);
      throwUnlessOk(response);
      const etag = revisionOf(response);
      if (ifMatch !== undefined && etag !== ifMatch) {
        throw new WeightsError("object_changed", `${response.url} was replaced`);
      }
      const place = contentRange(response);
      return {
        objectBytes: place?.objectBytes,
        etag,
        offset: place?.offset ?? 0,
        chunks: bodyChunks(response, signal),
      };
    },
    list() {
      throw new WeightsError("store_refused", `${address} cannot be listed`);
    },
  };
}

async function request(
  url: string,
  range: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { "accept-encoding": "identity", ...(range === undefined ? {} : { range }) },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new WeightsError("store_unavailable", `${url} cannot be reached`, { cause });
  }
}

function throwUnlessOk({ ok, status, url }: Response): void {
  if (ok) return;
  const says = `${url} answered ${status}`;
  if (status === 404) throw new WeightsError("not_found", says);
  if (status === 401 || status === 403) throw new WeightsError("access_denied", says);
  const isBusy = status >= 500 || status === 408 || status === 429;
  throw new WeightsError(isBusy ? "store_unavailable" : "store_refused", says);
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
    throw new WeightsError("store_unavailable", `${response.url} broke off`, { cause });
  } finally {
    if (isOpen) await reader.cancel(); // a broken stream would answer with its own fault once more
  }
}
