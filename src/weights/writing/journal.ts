import * as z from "zod";
import type { Blob, StageLayout } from "#domain/bundle.ts";
import {
  MAX_FILE_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_NAME_LENGTH,
  MAX_SHARDS_PER_STAGE,
} from "../limits.ts";
import { canonicalJson, stageLayoutSchema } from "../manifest.ts";
import type { ObjectStore } from "../object-store.ts";
import { firstContact } from "../retries.ts";
import { findObject, readObject } from "../transfer.ts";
import { patiently } from "./blobs.ts";

/** What is remembered of a bundle that is being written, so that it can be gone on with. */
export interface Journal {
  /** Says what the stages are made from. */
  readonly fingerprint: string;
  /** The finished ones. */
  readonly stages: readonly StageLayout[];
  /** The one that is being filled. */
  readonly current?: StageSoFar;
}

/** How far a stage is, up to the end of a tensor. */
export interface StageSoFar {
  readonly name: string;
  /** The shards that are full. */
  readonly shards: readonly Blob[];
  /** What follows them, in objects of their own beside the journal, until it fills a shard. */
  readonly pieces: readonly Blob[];
}

/** Pieces of one shard: each is an object of its own to be read again. Where more tensors end in a shard, they are saved anew as one piece. */
export const MAX_PIECES = 64;

const blob = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().min(1).max(MAX_FILE_BYTES),
});

const journalSchema = z.object({
  fingerprint: z.string(),
  stages: z.array(stageLayoutSchema),
  current: z
    .object({
      name: z.string().max(MAX_NAME_LENGTH),
      shards: z.array(blob).max(MAX_SHARDS_PER_STAGE),
      pieces: z.array(blob).max(MAX_PIECES),
    })
    .exactOptional(),
});

/** Where the journal of a bundle and what belongs to it lie: all that is removed once the bundle is published. */
export function unfinishedPrefix(name: string, version: string): string {
  return `models/${name}/${version}/unfinished`;
}

/** Key of the journal itself. */
export function journalKey(name: string, version: string): string {
  return `${unfinishedPrefix(name, version)}.json`;
}

/** Key of a piece of the shard that fills. */
export function pieceKey(name: string, version: string, piece: Blob): string {
  return `${unfinishedPrefix(name, version)}-${piece.sha256}`;
}

/** Reads how far a bundle is. A journal that cannot be understood counts as none: it only saves time. */
export async function readJournal(
  store: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Journal | undefined> {
  const { policy, ...abort } = patiently(signal);
  const head = await findObject(store, key, { policy: firstContact(policy), ...abort });
  if (head === undefined || head.bytes > MAX_MANIFEST_BYTES) return undefined;
  const bytes = await readObject(store, key, MAX_MANIFEST_BYTES, patiently(signal));
  const journal = journalSchema.safeParse(jsonOrUndefined(new TextDecoder().decode(bytes)));
  return journal.data;
}

/** Writes how far a bundle is, whole or not at all. */
export async function writeJournal(
  store: ObjectStore,
  key: string,
  journal: Journal,
): Promise<void> {
  await store.put(key, new TextEncoder().encode(canonicalJson(journal)));
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
