import type { Abilities } from "#domain/abilities.ts";
import type { BundleFormat, Q4Block } from "#domain/bundle.ts";
import { type StoredBundle, writeBundle } from "../bundle-writer.ts";
import type { CreateHasher } from "../digest.ts";
import { draftStages } from "../layout.ts";
import type { ObjectStore } from "../object-store.ts";
import { type Progress, rateMeter } from "../progress.ts";
import { mixSeed, randomTensor } from "./random.ts";
import { type SynthShape, synthArchitecture } from "./shapes.ts";
import { synthTokenizerFiles } from "./tokenizer.ts";

export interface SynthOptions {
  readonly store: ObjectStore;
  readonly name: string;
  readonly version: string;
  readonly shape: SynthShape;
  readonly format: BundleFormat;
  /** Of q4 linears; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
  /** Any integer; equal seeds give equal bundles. */
  readonly seed: number;
  /** What the model was trained for; absent where nobody says. */
  readonly abilities?: Abilities;
  readonly createHasher: CreateHasher;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Largest shard in bytes; `MAX_SHARD_BYTES` unless a test wants many. */
  readonly shardBytes?: number;
}

/**
 * Writes a bundle of random weights in any shape, for benchmarks and load tests: bytes, graphs and speed are those of a real
 * model, its answers are noise. Stages are made as they are written; two shards are in memory at most.
 */
export async function synthBundle(options: SynthOptions): Promise<StoredBundle> {
  const { shape, format, block, seed, signal, onProgress } = options;
  const architecture = synthArchitecture(shape);
  const drafts = draftStages(architecture, format, block);
  const meter = rateMeter(drafts.reduce((total, { bytes }) => total + bytes, 0));
  let doneBytes = 0;
  return writeBundle(
    {
      store: options.store,
      name: options.name,
      version: options.version,
      format,
      ...(block === undefined ? {} : { block }),
      architecture,
      ...(options.abilities === undefined ? {} : { abilities: options.abilities }),
      files: synthTokenizerFiles(architecture.language.vocabSize),
      fingerprint: `synth ${shape} ${format} ${block ?? ""} ${seed}`,
      createHasher: options.createHasher,
      ...(signal === undefined ? {} : { signal }),
      ...(options.shardBytes === undefined ? {} : { shardBytes: options.shardBytes }),
      onShard: ({ bytes }) => {
        doneBytes += bytes;
        onProgress?.(meter(doneBytes));
      },
    },
    async (draft, sink) => {
      const stage = drafts.findIndex(({ name }) => name === draft.name);
      for (const [index, entry] of draft.tensors.entries()) {
        const written = { data: 0, scales: 0 };
        for (const { part, bytes } of randomTensor(entry, mixSeed(seed, stage, index))) {
          await sink.write((entry[part]?.offset ?? 0) + written[part], bytes);
          written[part] += bytes.byteLength;
        }
      }
    },
  );
}
