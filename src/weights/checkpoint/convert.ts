import type { Abilities } from "#domain/abilities.ts";
import type { Architecture } from "#domain/architecture.ts";
import {
  type StageName,
  stageNames,
  type TensorEncoding,
  type TensorEntry,
} from "#domain/bundle.ts";
import type { ReadCard } from "#domain/read-style.ts";
import type { Trust } from "#domain/trust.ts";
import { type StoredBundle, writeBundle } from "../bundle-writer.ts";
import type { CreateHasher } from "../digest.ts";
import type { StorageForm } from "../format-choice.ts";
import { stageTensors } from "../layout.ts";
import type { ObjectStore } from "../object-store.ts";
import { type Progress, rateMeter } from "../progress.ts";
import type { StageSink } from "../writing/stage-writer.ts";
import { type Checkpoint, type CheckpointOptions, openCheckpoint } from "./checkpoint.ts";
import { fingerprintOf } from "./checkpoint-digest.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import { type EncodingError, encodeTensor } from "./encode.ts";
import type { LocatedTensor } from "./locate-tensors.ts";
import { residualRotation, rotated } from "./rotation.ts";

export interface ConvertOptions extends EncodeOptions, CheckpointOptions {
  readonly checkpoint: CheckpointFolder;
  /** How the linears are stored, or a choice once the sizes are known; what it throws ends the conversion before anything is written. */
  readonly form: StorageForm | ((architecture: Architecture) => StorageForm);
}

/** What the conversion of a checkpoint that has been understood needs to know. */
export interface EncodeOptions {
  readonly store: ObjectStore;
  readonly name: string;
  readonly version: string;
  /** Spread outliers of the residual stream over its channels; see `residualRotation`. Answers stay the same but for rounding. */
  readonly rotate?: boolean;
  /** What the model was trained for; absent where nobody says. */
  readonly abilities?: Abilities;
  /** How far it can be trusted, where its maker says so. */
  readonly trust?: Trust;
  /** How values are read off pictures, where its maker says so. */
  readonly read?: ReadCard;
  readonly createHasher: CreateHasher;
  readonly signal?: AbortSignal;
  /** After every piece of source read, at least once a stage. */
  readonly onProgress?: (progress: ConvertProgress) => void;
  /** After every tensor that is encoded and stored: what its encoding cost. */
  readonly onTensor?: (report: TensorReport) => void;
  /** Largest shard in bytes; `MAX_SHARD_BYTES` unless a test wants many. */
  readonly shardBytes?: number;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** Bytes are the source's. */
export interface ConvertProgress extends Progress {
  readonly stage: StageName;
  readonly stagesDone: number;
  readonly stagesTotal: number;
}

export interface TensorReport extends EncodingError {
  readonly stage: StageName;
  readonly name: string;
  readonly encoding: TensorEncoding;
}

/**
 * Turns a Hugging Face checkpoint into a bundle. Streams tensor by tensor: memory is bounded by the largest encoded tensor
 * and two shards, never by the checkpoint. Called again after a stop, it goes on behind the last finished stage and skips
 * shards that are stored. `latest.json` moves last.
 * Throws WeightsError by name for a checkpoint that cannot be used; nothing is written before it has been understood.
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<Converted> {
  const checkpoint = await openCheckpoint(options.checkpoint, options);
  const form =
    typeof options.form === "function" ? options.form(checkpoint.architecture) : options.form;
  return encodeCheckpoint(checkpoint, form, options);
}

/** A bundle, and the checkpoint's tensors that it does not hold. */
export interface Converted extends StoredBundle {
  readonly ignored: readonly string[];
}

/** Turns a checkpoint that has been understood into a bundle; see `convertCheckpoint`. */
export async function encodeCheckpoint(
  checkpoint: Checkpoint,
  form: StorageForm,
  options: EncodeOptions,
): Promise<Converted> {
  const { store, name, version, createHasher, signal } = options;
  const rotation = options.rotate ? residualRotation(checkpoint.architecture) : undefined;
  const progress = startProgress(checkpoint, options);
  const stored = await writeBundle(
    {
      store,
      name,
      version,
      ...form,
      architecture: checkpoint.architecture,
      ...(options.abilities === undefined ? {} : { abilities: options.abilities }),
      ...(options.trust === undefined ? {} : { trust: options.trust }),
      ...(options.read === undefined ? {} : { read: options.read }),
      files: checkpoint.files,
      fingerprint: fingerprintOf(
        checkpoint,
        { ...form, rotated: rotation !== undefined },
        createHasher,
      ),
      createHasher,
      ...(signal === undefined ? {} : { signal }),
      ...(options.shardBytes === undefined ? {} : { shardBytes: options.shardBytes }),
      onStage: ({ name }, source) => progress.stageDone(name, source),
    },
    async (draft, sink) => {
      for (const [index, entry] of draft.tensors.entries()) {
        const find = (tensorName: string) => checkpoint.tensor(draft.name, tensorName);
        const sourceBytes = find(entry.name).bytes;
        if (endOf(entry) <= sink.keptBytes) {
          progress.keep(sourceBytes, draft.name);
          continue;
        }
        const tensor =
          rotation === undefined
            ? find(entry.name)
            : await rotated(rotation, draft.name, entry.name, find, signal);
        const next = draft.tensors[index + 1];
        if (next !== undefined) announce(find(next.name), signal);
        const error = await writeTensor(tensor, entry, sink, signal, () =>
          progress.add(0, draft.name),
        );
        const report = { stage: draft.name, name: entry.name, encoding: entry.encoding, ...error };
        sink.tensorDone(() => options.onTensor?.(report));
        progress.add(sourceBytes, draft.name);
      }
    },
  );
  return { ...stored, ignored: checkpoint.ignored };
}

/** Counts the source's bytes. */
function startProgress(
  checkpoint: Checkpoint,
  { onProgress, now }: Pick<EncodeOptions, "onProgress" | "now">,
) {
  const sourceBytes = stageSourceBytes(checkpoint);
  const meter = rateMeter(
    [...sourceBytes.values()].reduce((sum, bytes) => sum + bytes, 0),
    now,
  );
  let doneBytes = 0;
  let keptBytes = 0;
  let stagesDone = 0;
  const report = (stage: StageName): void =>
    onProgress?.({
      ...meter(doneBytes, keptBytes),
      stage,
      stagesDone,
      stagesTotal: sourceBytes.size,
    });
  return {
    add(bytes: number, stage: StageName) {
      doneBytes += bytes;
      report(stage);
    },
    /** Counts what was done before. */
    keep(bytes: number, stage: StageName) {
      keptBytes += bytes;
      this.add(bytes, stage);
    },
    stageDone(stage: StageName, source: "written" | "kept") {
      stagesDone += 1;
      if (source === "kept") this.keep(sourceBytes.get(stage) ?? 0, stage);
      else report(stage);
    },
  };
}

/** Begins to fetch a tensor while the one before it is encoded. */
function announce({ source, offset, bytes }: LocatedTensor, signal: AbortSignal | undefined): void {
  source.announce?.(offset, bytes, signal);
}

/** Where a tensor ends in its stage. */
function endOf({ data, scales = data }: TensorEntry): number {
  return Math.max(data.offset + data.bytes, scales.offset + scales.bytes);
}

/** Encodes one tensor into its place. Returns what that cost. */
async function writeTensor(
  tensor: LocatedTensor,
  entry: TensorEntry,
  sink: StageSink,
  signal: AbortSignal | undefined,
  onPiece: () => void,
): Promise<EncodingError> {
  const pieces = encodeTensor(tensor, entry, signal);
  const written = { data: 0, scales: 0 };
  for (;;) {
    const next = await pieces.next();
    if (next.done) return next.value;
    const { part, bytes } = next.value;
    await sink.write((entry[part]?.offset ?? 0) + written[part], bytes);
    written[part] += bytes.byteLength;
    onPiece();
  }
}

function stageSourceBytes(checkpoint: Checkpoint): ReadonlyMap<StageName, number> {
  return new Map(
    stageNames(checkpoint.architecture).map((stage) => [
      stage,
      stageTensors(checkpoint.architecture, stage).reduce(
        (sum, { name }) => sum + checkpoint.tensor(stage, name).bytes,
        0,
      ),
    ]),
  );
}
