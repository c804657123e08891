import { z } from "zod";
import type { Abilities } from "#domain/abilities.ts";
import type { Architecture } from "#domain/architecture.ts";
import type { Blob, Bundle, BundleFormat, Q4Block, StageLayout } from "#domain/bundle.ts";
import { type CreateHasher, sha256Hex } from "./digest.ts";
import { draftStages, type StageDraft } from "./layout.ts";
import { MAX_MANIFEST_BYTES, MAX_SHARD_BYTES } from "./limits.ts";
import {
  BUNDLE_NAME_RULE,
  blobKey,
  canonicalJson,
  isBundleName,
  latestKey,
  manifestKey,
  parseManifest,
  stageLayoutSchema,
} from "./manifest.ts";
import type { ObjectStore } from "./object-store.ts";
import { DEFAULT_RETRY_POLICY, firstContact, type RetryOptions } from "./retries.ts";
import { collect } from "./source.ts";
import { findObject, readObject, resumingStream } from "./transfer.ts";
import { WeightsError } from "./weights-error.ts";

/** What a bundle is made of, but for the bytes of its stages. */
export interface BundlePlan {
  readonly store: ObjectStore;
  readonly name: string;
  readonly version: string;
  readonly format: BundleFormat;
  /** Of q4 linears; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
  readonly architecture: Architecture;
  /** What the model was trained for; absent where nobody says. */
  readonly abilities?: Abilities;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Says what the stages are made from. An unfinished bundle is gone on with only if it was begun from the same. */
  readonly fingerprint: string;
  readonly createHasher: CreateHasher;
  readonly signal?: AbortSignal;
  /** A stage is there completely, written now or before. */
  readonly onStage?: (stage: StageLayout, source: "written" | "kept") => void;
  /** Bytes of a shard have been uploaded, or were there already. */
  readonly onShard?: (shard: Blob, source: "written" | "kept") => void;
  /** Largest shard in bytes; `MAX_SHARD_BYTES` unless a test wants many. */
  readonly shardBytes?: number;
}

/** Takes a stage's bytes in ascending order. */
export interface StageSink {
  /** Writes bytes at an offset at or behind the end of the last write; a gap is filled with zeros. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

/** A bundle as it lies in a store. */
export interface StoredBundle {
  readonly bundle: Bundle;
  /** SHA-256 of the manifest's bytes: the model's identity. */
  readonly digest: string;
}

/**
 * Writes a bundle stage by stage: shards as they fill, then the manifest, then `latest.json`. At no moment does
 * `latest.json` name a bundle of which a blob is missing. Two shards are held in memory at most: one that fills while
 * the one before is uploaded; a third while one that the store seems to have is read back.
 *
 * A journal beside the manifest remembers finished stages, so that a second call after a stop goes on behind them.
 * Throws WeightsError `manifest_invalid` before anything is read or written for a name or version that no bundle can have.
 */
export async function writeBundle(
  plan: BundlePlan,
  fillStage: (draft: StageDraft, sink: StageSink) => Promise<void>,
): Promise<StoredBundle> {
  const { store, name, version, format, architecture, signal } = plan;
  for (const part of [name, version]) {
    if (!isBundleName(part)) {
      throw new WeightsError(
        "manifest_invalid",
        `"${part}" is no bundle's name or version: ${BUNDLE_NAME_RULE}`,
      );
    }
  }
  const journalKey = `models/${name}/${version}/unfinished.json`;
  const finished = await readJournal(store, journalKey, plan.fingerprint, signal);
  const stages: StageLayout[] = [];
  for (const draft of draftStages(architecture, format, plan.block)) {
    signal?.throwIfAborted();
    const kept = finished.find((stage) => stage.name === draft.name);
    if (kept !== undefined && (await holdsEach(store, kept.shards, signal))) {
      stages.push(kept);
      for (const shard of kept.shards) plan.onShard?.(shard, "kept");
      plan.onStage?.(kept, "kept");
      continue;
    }
    const writer = shardWriter(plan, draft.bytes);
    await fillStage(draft, writer);
    const stage = { ...draft, shards: await writer.finish() };
    stages.push(stage);
    await store.put(journalKey, encodeJson({ fingerprint: plan.fingerprint, stages }), signal);
    plan.onStage?.(stage, "written");
  }
  const files: Record<string, Blob> = {};
  for (const [fileName, bytes] of plan.files) {
    const blob = { sha256: await sha256Hex(bytes), bytes: bytes.byteLength };
    if (!(await holdsBlob(store, blob, signal))) await putBlob(store, blob, bytes, signal);
    files[fileName] = blob;
  }
  const stored = await publish(
    store,
    {
      formatVersion: 1,
      name,
      version,
      format,
      architecture,
      ...(plan.abilities === undefined ? {} : { abilities: plan.abilities }),
      stages,
      files,
    },
    signal,
  );
  await store.remove(journalKey, signal);
  return stored;
}

/**
 * Writes the manifest and points `latest.json` at it. Contents are the caller's to have written or read back just now; here
 * only sizes are looked at, against a store that lost something meanwhile: WeightsError `not_found`.
 */
export async function publish(
  store: ObjectStore,
  bundle: Bundle,
  signal?: AbortSignal,
): Promise<StoredBundle> {
  const key = manifestKey(bundle.name, bundle.version);
  const bytes = encodeJson(bundle);
  parseManifest(bytes, key);
  const blobs = [...bundle.stages.flatMap(({ shards }) => shards), ...Object.values(bundle.files)];
  for (const blob of blobs) {
    const head = await findObject(store, blobKey(blob), patiently(signal));
    if (head?.bytes !== blob.bytes) {
      throw new WeightsError(
        "not_found",
        `${store.address} lost ${blobKey(blob)} while it was written`,
      );
    }
  }
  const digest = await sha256Hex(bytes);
  await store.put(key, bytes, signal);
  await store.put(latestKey(bundle.name), encodeJson({ version: bundle.version, digest }), signal);
  return { bundle, digest };
}

/**
 * Says whether a store has a blob with its content. What has the right size is read back and hashed: a damaged blob that
 * passed for kept could never be mended by writing the bundle again.
 */
export async function holdsBlob(
  store: ObjectStore,
  blob: Blob,
  signal?: AbortSignal,
): Promise<boolean> {
  const key = blobKey(blob);
  const options = patiently(signal);
  const head = await findObject(store, key, options);
  if (head?.bytes !== blob.bytes) return false;
  const stored = await collect(resumingStream(store, key, 0, blob.bytes, options), blob.bytes);
  return (await sha256Hex(stored)) === blob.sha256;
}

/** Stores a blob's bytes under their hash, by multipart where they are many. */
export async function putBlob(
  store: ObjectStore,
  blob: Blob,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  if (bytes.byteLength > PART_BYTES) {
    await store.putStream(blobKey(blob), slices(bytes), signal);
  } else {
    await store.put(blobKey(blob), bytes, signal);
  }
}

async function holdsEach(
  store: ObjectStore,
  blobs: readonly Blob[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (const blob of blobs) if (!(await holdsBlob(store, blob, signal))) return false;
  return true;
}

/** Pieces handed to a multipart upload: half a shard's time is not lost when one of them fails. */
const PART_BYTES: number = 8 * 1024 * 1024;

async function* slices(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += PART_BYTES) {
    yield bytes.subarray(offset, offset + PART_BYTES);
  }
}

function shardWriter(
  plan: BundlePlan,
  stageBytes: number,
): StageSink & { finish(): Promise<Blob[]> } {
  const shardBytes = plan.shardBytes ?? MAX_SHARD_BYTES;
  const shards: Blob[] = [];
  let position = 0;
  let current = new Uint8Array(Math.min(shardBytes, stageBytes));
  let filled = 0;
  let uploading: Promise<{ error: unknown } | undefined> = Promise.resolve(undefined);

  const upload = async (bytes: Uint8Array): Promise<void> => {
    const hasher = plan.createHasher();
    hasher.update(bytes);
    const blob = { sha256: hasher.digestHex(), bytes: bytes.byteLength };
    const source = (await holdsBlob(plan.store, blob, plan.signal)) ? "kept" : "written";
    if (source === "written") await putBlob(plan.store, blob, bytes, plan.signal);
    shards.push(blob);
    plan.onShard?.(blob, source);
  };
  const lastUpload = async (): Promise<void> => {
    const failure = await uploading;
    if (failure !== undefined) throw failure.error;
  };
  const append = async (bytes: Uint8Array): Promise<void> => {
    for (let taken = 0; taken < bytes.byteLength; ) {
      const part = bytes.subarray(taken, taken + current.byteLength - filled);
      current.set(part, filled);
      filled += part.byteLength;
      taken += part.byteLength;
      position += part.byteLength;
      if (filled === current.byteLength) {
        await lastUpload(); // at most one shard in flight
        uploading = upload(current).then(
          () => undefined,
          (error: unknown) => ({ error }), // thrown by lastUpload: nobody awaits it before
        );
        current = new Uint8Array(Math.min(shardBytes, stageBytes - position));
        filled = 0;
      }
    }
  };
  return {
    async write(offset, bytes) {
      if (offset < position || offset + bytes.byteLength > stageBytes) {
        throw new RangeError(
          `a write at ${offset} does not fit behind ${position} in ${stageBytes}`,
        );
      }
      if (offset > position) await append(new Uint8Array(offset - position));
      await append(bytes);
    },
    async finish() {
      if (position !== stageBytes) {
        throw new RangeError(`a stage of ${stageBytes} bytes was filled to ${position}`);
      }
      await lastUpload();
      return shards;
    },
  };
}

const journalSchema = z.object({ fingerprint: z.string(), stages: z.array(stageLayoutSchema) });

/** Reads which stages are finished. A journal that cannot be understood counts as none: it only saves time. */
async function readJournal(
  store: ObjectStore,
  key: string,
  fingerprint: string,
  signal: AbortSignal | undefined,
): Promise<readonly StageLayout[]> {
  const { policy, ...abort } = patiently(signal);
  const head = await findObject(store, key, { policy: firstContact(policy), ...abort });
  if (head === undefined || head.bytes > MAX_MANIFEST_BYTES) return [];
  const bytes = await readObject(store, key, MAX_MANIFEST_BYTES, patiently(signal));
  const text = new TextDecoder().decode(bytes);
  const journal = journalSchema.safeParse(jsonOrUndefined(text));
  return journal.success && journal.data.fingerprint === fingerprint ? journal.data.stages : [];
}

function patiently(signal: AbortSignal | undefined): RetryOptions {
  return { policy: DEFAULT_RETRY_POLICY, ...(signal === undefined ? {} : { signal }) };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}
