import type { ObjectBody, ReadableStore } from "#weights/object-store.ts";
import { bodyChunks, contentRange } from "#weights/remote/http-body.ts";
import { refusalOf } from "#weights/remote/http-store.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { type ModelBundleBody, modelBundleSchema } from "#wire/api/model-bundle.ts";

/** Where a model's bundle is asked for, and as whom. */
export interface BundleSource {
  readonly baseUrl: string;
  readonly model: string;
  readonly token: string;
  readonly fetch: typeof fetch;
}

function bundlePath({ baseUrl, model }: BundleSource): string {
  return `${baseUrl}/v1/models/${encodeURIComponent(model)}/bundle`;
}

/** Asks. The browser's own cache is passed by: what is kept is kept once, and is gone when it is removed. Throws WeightsError. */
async function request(
  source: BundleSource,
  url: string,
  range?: string,
  signal?: AbortSignal,
): Promise<Response> {
  const headers = { authorization: `Bearer ${source.token}` };
  const own = signal === undefined ? {} : { signal };
  let response: Response;
  try {
    response = await source.fetch(url, {
      ...own,
      cache: "no-store",
      headers: range === undefined ? headers : { ...headers, range },
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new WeightsError("store_unavailable", `${url} cannot be reached`, { cause });
  }
  if (response.ok) return response;
  throw refusalOf(response, `${url} answered ${response.status}`);
}

/** Reads which version is the current one. Throws WeightsError. */
export async function readCurrent(source: BundleSource): Promise<ModelBundleBody> {
  const response = await request(source, bundlePath(source));
  const body = modelBundleSchema.safeParse(await response.json());
  if (body.success) return body.data;
  throw new WeightsError("manifest_invalid", `${response.url} tells of no bundle`);
}

/** Sees a version of a model's bundle behind the API as a store that can be read, by the keys of a bundle. */
export function bundleStore(source: BundleSource, version: string): ReadableStore {
  const base = `${bundlePath(source)}/${encodeURIComponent(version)}`;
  const urlOf = (key: string): string => {
    const [, sha256] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(key) ?? [];
    return sha256 === undefined ? `${base}/manifest.json` : `${base}/blobs/${sha256}`;
  };
  return {
    address: base,
    async head(key, signal) {
      const { bytes, etag, response } = await open(source, urlOf(key), "bytes=0-0", signal);
      await response.body?.cancel();
      return { bytes, etag };
    },
    async get(key, { range, ifMatch, signal } = {}): Promise<ObjectBody> {
      const { offset = 0, bytes: length } = range ?? {};
      const wanted = length === undefined ? undefined : `bytes=${offset}-${offset + length - 1}`;
      const opened = await open(source, urlOf(key), wanted, signal);
      if (ifMatch !== undefined && ifMatch !== opened.etag) {
        await opened.response.body?.cancel();
        throw new WeightsError("object_changed", `${opened.response.url} was replaced`);
      }
      return {
        ...{ objectBytes: opened.bytes, etag: opened.etag, offset: opened.offset },
        chunks: bodyChunks(opened.response, opened.response.url, signal),
      };
    },
    list() {
      throw new WeightsError("store_refused", `${base} cannot be listed`);
    },
  };
}

interface Opened {
  readonly response: Response;
  readonly bytes: number;
  readonly offset: number;
  readonly etag: string;
}

async function open(
  source: BundleSource,
  url: string,
  range: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const response = await request(source, url, range, signal);
  const part = contentRange(response);
  const bytes = part?.objectBytes ?? Number(response.headers.get("content-length") ?? Number.NaN);
  return { response, bytes, offset: part?.offset ?? 0, etag: response.headers.get("etag") ?? "" };
}
