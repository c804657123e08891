import type { Blob } from "#domain/bundle.ts";
import type { CreateHasher } from "../digest.ts";
import type { ObjectStore } from "../object-store.ts";
import { holdsBlob, putBlob, putWhole, readBack } from "./blobs.ts";
import { MAX_PIECES, type StageSoFar } from "./journal.ts";

/** Takes a stage's bytes in ascending order. */
export interface StageSink {
  /** Bytes that are stored from before: they are not to be written again. The end of a tensor. */
  readonly keptBytes: number;
  /** Writes bytes at an offset at or behind the end of the last write; a gap is filled with zeros. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Says that a tensor ends here. Some time later everything up to here is stored and noted, so that no stop and no kill takes it away,
   * and `onSaved` is called; nobody waits for it before the stage's end.
   */
  tensorDone(onSaved: () => void): void;
}

/** A stage that is being written. */
export interface StageWriter extends StageSink {
  /** Returns the shards once all bytes are stored and all tensors saved. */
  finish(): Promise<Blob[]>;
  /** Ends a stage that will not be finished now: waits for what is under way, and saves the tensors that have ended. */
  leave(): Promise<void>;
}

export interface StageWriterOptions {
  readonly store: ObjectStore;
  readonly stage: string;
  readonly stageBytes: number;
  readonly shardBytes: number;
  readonly createHasher: CreateHasher;
  readonly signal: AbortSignal | undefined;
  readonly pieceKey: (piece: Blob) => string;
  /** How far the stage was when it was stopped. */
  readonly before?: StageSoFar | undefined;
  readonly onShard: (shard: Blob, source: "written" | "kept") => void;
  /** Notes how far the stage is: everything that is named is stored. Not stopped by the signal. */
  readonly note: (soFar: StageSoFar) => Promise<void>;
}

/** Everything up to the end of a tensor, to be saved. */
interface Mark {
  /** Shards that were full before, stored or on their way. */
  readonly shards: number;
  /** The shard that fills, as far as it is. */
  readonly tail: Uint8Array;
  readonly onSaved: readonly (() => void)[];
}

/**
 * Cuts a stage into shards and uploads each while the next one fills. Between, the ends of tensors are saved one after another:
 * what of the filling shard is new goes into an object of its own, and then the journal names it. While one is saved the next ones
 * wait and are saved together, so that a slow store costs fewer saves and not time.
 */
export async function openStageWriter(options: StageWriterOptions): Promise<StageWriter> {
  const { store, stageBytes, shardBytes, signal } = options;
  const { shards, pieces, tail } = await goOn(options);
  const inShards = bytesOf(shards);
  const keptBytes = inShards + tail.byteLength;
  let full = shards.length;
  let position = keptBytes;
  let current = new Uint8Array(Math.min(shardBytes, stageBytes - inShards));
  current.set(tail);
  let filled = tail.byteLength;
  let uploading: Promise<unknown> = Promise.resolve();
  const failure: { error?: { cause: unknown } } = {};
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      failure.error ??= { cause }; // thrown by whoever writes next: nobody awaits it before
    }
  };
  const throwFailure = (): void => {
    if (failure.error !== undefined) throw failure.error.cause;
  };

  const upload = async (bytes: Uint8Array): Promise<void> => {
    const blob = blobOf(bytes, options.createHasher);
    const source = (await holdsBlob(store, blob, signal)) ? "kept" : "written";
    if (source === "written") await putBlob(store, blob, bytes, signal);
    shards.push(blob);
    options.onShard(blob, source);
  };
  const saver = createSaver(options, shards, pieces, () => uploading);

  const append = async (bytes: Uint8Array): Promise<void> => {
    for (let taken = 0; taken < bytes.byteLength; ) {
      const part = bytes.subarray(taken, taken + current.byteLength - filled);
      current.set(part, filled);
      filled += part.byteLength;
      taken += part.byteLength;
      position += part.byteLength;
      if (filled === current.byteLength) {
        await uploading; // at most one shard in flight
        throwFailure();
        const bytesOfShard = current;
        uploading = guarded(() => upload(bytesOfShard));
        full += 1;
        current = new Uint8Array(Math.min(shardBytes, stageBytes - position));
        filled = 0;
      }
    }
  };
  return {
    keptBytes,
    async write(offset, bytes) {
      if (offset < position || offset + bytes.byteLength > stageBytes) {
        throw new RangeError(
          `a write at ${offset} does not fit behind ${position} in ${stageBytes}`,
        );
      }
      throwFailure();
      if (offset > position) await append(new Uint8Array(offset - position));
      await append(bytes);
    },
    tensorDone(onSaved) {
      const mark = { shards: full, tail: current.subarray(0, filled), onSaved: [onSaved] };
      void guarded(() => saver.save(mark));
    },
    async finish() {
      if (position !== stageBytes) {
        throw new RangeError(`a stage of ${stageBytes} bytes was filled to ${position}`);
      }
      await uploading;
      await guarded(saver.idle);
      throwFailure();
      return shards;
    },
    async leave() {
      await uploading;
      await guarded(saver.idle); // its failure is no news beside what ended the stage
    },
  };
}

/**
 * Saves marks, one at a time and always the newest. No signal stops it: what is done when a person stops the program is saved. `shards` grows as uploads end; `uploaded` is settled when none is under way.
 */
function createSaver(
  { store, stage, createHasher, pieceKey, note }: StageWriterOptions,
  shards: readonly Blob[],
  keptPieces: readonly Blob[],
  uploaded: () => Promise<unknown>,
): { save(mark: Mark): Promise<void>; idle(): Promise<void> } {
  let pieces = keptPieces;
  let shardOfPieces = shards.length;
  let waiting: Mark | undefined;
  let running: Promise<void> | undefined;

  const saveOne = async (mark: Mark): Promise<void> => {
    await uploaded();
    if (shards.length < mark.shards) return; // an upload failed, which its own caller is told
    const before = pieces;
    const goesOn = shardOfPieces === mark.shards && pieces.length < MAX_PIECES;
    const saved = goesOn ? pieces : [];
    const rest = mark.tail.subarray(bytesOf(saved));
    const piece = rest.byteLength === 0 ? [] : [blobOf(rest, createHasher)];
    for (const blob of piece) await putWhole(store, pieceKey(blob), rest);
    pieces = [...saved, ...piece];
    shardOfPieces = mark.shards;
    await note({ name: stage, shards: shards.slice(0, mark.shards), pieces });
    for (const tell of mark.onSaved) tell();
    const named = new Set(pieces.map(pieceKey));
    for (const key of before.map(pieceKey)) if (!named.has(key)) await store.remove(key);
  };
  const run = async (): Promise<void> => {
    try {
      for (let mark = waiting; mark !== undefined; mark = waiting) {
        waiting = undefined;
        await saveOne(mark);
      }
    } finally {
      running = undefined;
    }
  };
  return {
    save(mark) {
      waiting = { ...mark, onSaved: [...(waiting?.onSaved ?? []), ...mark.onSaved] };
      running ??= run();
      return running;
    },
    idle: async () => running,
  };
}

interface Kept {
  readonly shards: Blob[];
  readonly pieces: readonly Blob[];
  readonly tail: Uint8Array;
}

/** Finds what is stored of a stage that was begun. Where anything of it is missing or damaged, the stage begins anew. */
async function goOn(options: StageWriterOptions): Promise<Kept> {
  const { store, stage, stageBytes, shardBytes, signal, before, pieceKey, onShard } = options;
  const nothing = { shards: [], pieces: [], tail: new Uint8Array() };
  if (before === undefined || before.name !== stage) return nothing;
  const inShards = bytesOf(before.shards);
  const tailBytes = bytesOf(before.pieces);
  const isCutAlike = before.shards.every(
    ({ bytes }, index) => bytes === Math.min(shardBytes, stageBytes - index * shardBytes),
  );
  const isFit = tailBytes <= Math.min(shardBytes, stageBytes - inShards);
  if (!isCutAlike || !isFit) return nothing;
  const tail = new Uint8Array(tailBytes);
  let filled = 0;
  for (const piece of before.pieces) {
    const bytes = await readBack(store, pieceKey(piece), piece, signal);
    if (bytes === undefined) return nothing;
    tail.set(bytes, filled);
    filled += bytes.byteLength;
  }
  for (const shard of before.shards) if (!(await holdsBlob(store, shard, signal))) return nothing;
  for (const shard of before.shards) onShard(shard, "kept");
  return { shards: [...before.shards], pieces: before.pieces, tail };
}

function blobOf(bytes: Uint8Array, createHasher: CreateHasher): Blob {
  const hasher = createHasher();
  hasher.update(bytes);
  return { sha256: hasher.digestHex(), bytes: bytes.byteLength };
}

function bytesOf(blobs: readonly Blob[]): number {
  return blobs.reduce((total, { bytes }) => total + bytes, 0);
}
