import { createHash } from "node:crypto";
import type { LoadedStage } from "#domain/bundle.ts";
import { createSha256 } from "#inference/sha256.ts";
import type { StoredBundle } from "#weights/bundle-writer.ts";
import type { LoadStatus } from "#weights/load-tally.ts";
import { memoryStore, type ObjectStore } from "#weights/object-store.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "#weights/retries.ts";
import { type LoadOptions, loadBundle } from "#weights/stream.ts";
import { synthBundle } from "#weights/synth/synth.ts";

/** A small model of random weights in memory, cut into several shards a stage. */
export async function tinyBundle(
  store: ObjectStore = memoryStore(),
  shardBytes = 48 * 1024,
): Promise<StoredBundle & { readonly store: ObjectStore }> {
  const stored = await synthBundle({
    store,
    name: "tiny",
    version: "1",
    shape: "tiny",
    format: "q4",
    seed: 7,
    createHasher: createSha256,
    shardBytes,
  });
  return { ...stored, store };
}

/** Waits next to nothing, so that a test of many faults takes milliseconds. Limits are the real ones unless overridden. */
export function impatientPolicy(overrides: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    ...DEFAULT_RETRY_POLICY,
    firstDelayMs: 1,
    maxDelayMs: 4,
    stallMs: 150,
    random: () => 0.5,
    ...overrides,
  };
}

/** Loads a bundle and returns a hash of every stage's bytes, in the order in which they were accepted. */
export async function loadedHashes(
  options: Omit<LoadOptions, "acceptor" | "createHasher">,
): Promise<{ hashes: string[]; status: LoadStatus }> {
  const hashes: string[] = [];
  const acceptor = async ({ layout, bytes }: LoadedStage): Promise<void> => {
    hashes.push(`${layout.name} ${createHash("sha256").update(bytes).digest("hex")}`);
  };
  const status = await loadBundle({
    policy: impatientPolicy(),
    ...options,
    acceptor,
    createHasher: createSha256,
  });
  return { hashes, status };
}
