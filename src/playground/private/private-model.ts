import type { Bundle, Blob as Shard } from "#domain/bundle.ts";
import { type NumericsText, numericsPart, numericsText } from "#domain/numerics.ts";
import { answerTools, type BundleTools } from "#engine/answer-tools.ts";
import { createOrtEngine } from "#engine/ort-engine.ts";
import { resizeKernel } from "#model/image/resize-kernel.ts";
import { sha256Hex } from "#weights/digest.ts";
import { MAX_FILE_BYTES, MAX_MANIFEST_BYTES } from "#weights/limits.ts";
import { blobKey, manifestKey, parseManifest } from "#weights/manifest.ts";
import type { ReadableStore } from "#weights/object-store.ts";
import { DEFAULT_RETRY_POLICY } from "#weights/retries.ts";
import { loadBundle } from "#weights/stream.ts";
import { readObject } from "#weights/transfer.ts";
import { WeightsError } from "#weights/weights-error.ts";
import type { ModelBody } from "#wire/api/models.ts";
import { type BundleSource, bundleStore, readCurrent } from "./bundle-store.ts";
import { type DeviceCache, type KeptModel, keptModel, openDeviceCache } from "./device-cache.ts";
import { createSha256 } from "./hasher.ts";
import { ownFile } from "./own-file.ts";
import type { Loaded, LoadProgress } from "./protocol.ts";
import { openBrowserRuntime } from "./runtime.ts";

/** A model whose weights are in this worker. */
export interface PrivateModel {
  readonly loaded: Loaded;
  readonly tools: BundleTools;
  /** Class of the arithmetic that its answers have. */
  readonly numerics: NumericsText;
}

/** Features of some hundred pictures: a follow-up does not look again. */
const FEATURE_BYTES: number = 64 * 1024 * 1024;

/** Threat: a tab that ends for want of memory when nearly all is loaded. Wasm has 4 GiB at the most, and weights are in it once more while they are packed. */
const MAX_WASM_BYTES: number = 1.5 * 1024 ** 3;

/** More than this device can hold at once. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
}

/**
 * Loads a model into this worker: what is kept on the device first, the rest over the network, all of it verified by its digest. Without
 * a network what is kept whole is enough. Throws WeightsError, `store_unavailable` where there is neither, and TooLargeError.
 */
export async function loadPrivateModel(
  source: BundleSource,
  card: ModelBody,
  onProgress: (load: LoadProgress) => void,
): Promise<PrivateModel> {
  const cache = await openDeviceCache(source.model);
  const version = await versionOf(source);
  const objects: Objects = { store: bundleStore(source, version.version), cache };
  const manifest = manifestKey(source.model, version.version);
  const bytes = await objectOf(objects, manifest, version.digest, MAX_MANIFEST_BYTES);
  const bundle = parseManifest(bytes, `${objects.store.address}/manifest.json`);
  const { provider, runtime, version: release } = await openBrowserRuntime(bundle.format);
  if (provider === "wasm" && version.bytes > MAX_WASM_BYTES) throw new TooLargeError();
  const { architecture } = bundle;
  const name = numericsPart(`onnxruntime-web-${release}`);
  const engine = await createOrtEngine({
    ...{ architecture, provider, runtime },
    arithmetic: {
      provider,
      runtime: name,
      kernels: "browser",
      rows: "alone",
      ...runtime.arithmetic,
    },
  });
  const files = await filesOf(objects, bundle);
  const tools = answerTools(engine, {
    ...{ bundle, files, featureBytes: FEATURE_BYTES },
    resize: resizeKernel(await ownFile(RESIZE_WASM)),
  });
  const mended = await loadWeights(objects, bundle, engine.accept, onProgress);
  const isKept = await settle(cache, bundle, manifest, { ...version, card });
  const { digest } = version;
  return {
    loaded: { digest, version: version.version, bytes: version.bytes, provider, isKept, mended },
    tools,
    numerics: numericsText({ ...engine.arithmetic, model: digest }),
  };
}

/** What the service has now, or without a network what is kept here. */
async function versionOf(source: BundleSource): Promise<KeptModel> {
  try {
    const { version, digest, bytes } = await readCurrent(source);
    return { version, digest, bytes };
  } catch (cause) {
    const kept = await keptModel(source.model);
    // A pass that is over, or a service that is away, is no reason not to answer here.
    if (kept !== null) return kept;
    throw cause;
  }
}

interface Objects {
  readonly store: ReadableStore;
  readonly cache: DeviceCache | undefined;
}

/** An object that is read whole, from the device where what it has there is right. Throws WeightsError. */
async function objectOf(
  { store, cache }: Objects,
  key: string,
  sha256: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept = await cache?.find(key);
  if (kept !== undefined && (await sha256Hex(kept)) === sha256) return kept;
  const bytes = await readObject(store, key, limit, { policy: DEFAULT_RETRY_POLICY });
  if ((await sha256Hex(bytes)) !== sha256)
    throw new WeightsError("shard_corrupt", `${key} of ${store.address} is not what it is called`);
  await cache?.put(key, bytes);
  return bytes;
}

async function filesOf(
  objects: Objects,
  bundle: Bundle,
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, blob] of Object.entries(bundle.files))
    files.set(name, await objectOf(objects, blobKey(blob), blob.sha256, MAX_FILE_BYTES));
  return files;
}

/** Returns how many shards the device had otherwise than they are called. */
async function loadWeights(
  { store, cache }: Objects,
  bundle: Bundle,
  accept: Parameters<typeof loadBundle>[0]["acceptor"],
  onProgress: (load: LoadProgress) => void,
): Promise<number> {
  let mended = 0;
  await loadBundle({
    ...{ store, bundle, acceptor: accept, createHasher: createSha256 },
    ...(cache === undefined ? {} : { cache: counting(cache, () => mended++) }),
    onStatus: ({ doneBytes, totalBytes, etaSeconds, receivedBytes }) =>
      onProgress({ doneBytes, totalBytes, etaSeconds, receivedBytes }),
  });
  return mended;
}

function counting(cache: DeviceCache, onDrop: () => void): DeviceCache {
  return {
    ...cache,
    async drop(shard) {
      onDrop();
      await cache.drop(shard);
    },
  };
}

/** Notes that the model is here whole, where it is: the device may have had no room for a part of it. */
async function settle(
  cache: DeviceCache | undefined,
  bundle: Bundle,
  manifest: string,
  version: KeptModel,
): Promise<boolean> {
  if (cache === undefined) return false;
  const shards = bundle.stages.flatMap((stage) => stage.shards);
  const blobs: Shard[] = [...shards, ...Object.values(bundle.files)];
  if (!blobs.every((blob) => cache.has(blob))) return false;
  return await cache.settle(version, new Set([manifest, ...blobs.map(blobKey)])).then(
    () => true,
    () => false,
  );
}
