import type { Abilities } from "#domain/abilities.ts";
import type { Architecture } from "#domain/architecture.ts";
import type { Blob, Bundle, BundleFormat, Q4Block, StageLayout } from "#domain/bundle.ts";
import type { ReadCard } from "#domain/read-style.ts";
import type { Trust } from "#domain/trust.ts";
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
} from "./manifest.ts";
import type { ObjectStore } from "./object-store.ts";
import { findObject, readObject } from "./transfer.ts";
import { WeightsError } from "./weights-error.ts";
import { holdsBlob, patiently, putBlob } from "./writing/blobs.ts";
import {
  type Journal,
  journalKey,
  pieceKey,
  readJournal,
  type StageSoFar,
  unfinishedPrefix,
  writeJournal,
} from "./writing/journal.ts";
import { openStageWriter, type StageSink, type StageWriter } from "./writing/stage-writer.ts";

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
  /** How far it can be trusted, where its maker says so. */
  readonly trust?: Trust;
  /** How values are read off pictures, where its maker says so. */
  readonly read?: ReadCard;
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
 * A journal beside the manifest remembers finished stages, and of the one that fills all tensors that have ended, so that a second call
 * after a stop, or a kill at any moment, goes on behind them.
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
  const before = await readFitting(plan);
  const stages: StageLayout[] = [];
  for (const draft of draftStages(architecture, format, plan.block)) {
    signal?.throwIfAborted();
    const kept = before?.stages.find((stage) => stage.name === draft.name);
    if (kept !== undefined && (await holdsEach(store, kept.shards, signal))) {
      stages.push(kept);
      for (const shard of kept.shards) plan.onShard?.(shard, "kept");
      plan.onStage?.(kept, "kept");
      continue;
    }
    const note = (current?: StageSoFar): Promise<void> =>
      writeJournal(store, journalKey(name, version), {
        fingerprint: plan.fingerprint,
        stages,
        ...(current === undefined ? {} : { current }),
      });
    const writer = await openStageWriter({
      store,
      note,
      signal,
      stage: draft.name,
      stageBytes: draft.bytes,
      shardBytes: plan.shardBytes ?? MAX_SHARD_BYTES,
      createHasher: plan.createHasher,
      pieceKey: (piece) => pieceKey(name, version, piece),
      before: before?.current,
      onShard: (shard, source) => plan.onShard?.(shard, source),
    });
    const stage = await writeStage(draft, writer, fillStage);
    stages.push(stage);
    await note();
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
      ...plan.trust,
      ...(plan.read === undefined ? {} : { read: plan.read }),
      stages,
      files,
    },
    signal,
  );
  for await (const key of store.list(unfinishedPrefix(name, version), signal))
    await store.remove(key, signal);
  return stored;
}

async function writeStage(
  draft: StageDraft,
  writer: StageWriter,
  fillStage: (draft: StageDraft, sink: StageSink) => Promise<void>,
): Promise<StageLayout> {
  try {
    await fillStage(draft, writer);
  } catch (error) {
    await writer.leave();
    throw error;
  }
  return { ...draft, shards: await writer.finish() };
}

/** Reads how far the bundle is, if it was begun from the same. */
async function readFitting({
  store,
  name,
  version,
  fingerprint,
  signal,
}: BundlePlan): Promise<Journal | undefined> {
  const journal = await readJournal(store, journalKey(name, version), signal);
  return journal?.fingerprint === fingerprint ? journal : undefined;
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

/** Bytes of a bundle that are stored: of the finished one, or of what its journal names. 0 where there is nothing to go on with. */
export async function storedBytes(
  store: ObjectStore,
  name: string,
  version: string,
): Promise<number> {
  const finished = await readFinished(store, manifestKey(name, version));
  const journal = await readJournal(store, journalKey(name, version), undefined);
  const stages = finished?.stages ?? journal?.stages ?? [];
  const blobs = [
    ...stages.flatMap(({ shards }) => shards),
    ...Object.values(finished?.files ?? {}),
    ...(finished === undefined ? (journal?.current?.shards ?? []) : []),
  ];
  return blobs.reduce((total, { bytes }) => total + bytes, 0);
}

async function readFinished(store: ObjectStore, key: string): Promise<Bundle | undefined> {
  const head = await findObject(store, key, patiently(undefined));
  if (head === undefined) return undefined;
  try {
    return parseManifest(
      await readObject(store, key, MAX_MANIFEST_BYTES, patiently(undefined)),
      key,
    );
  } catch (cause) {
    if (cause instanceof WeightsError && cause.code === "manifest_invalid") return undefined; // will be written anew
    throw cause;
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

function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}
