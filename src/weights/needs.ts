import type { Architecture } from "#domain/architecture.ts";
import { memoryNeeded, type StorageForm } from "./format-choice.ts";
import { draftStages } from "./layout.ts";
import { MAX_SHARD_BYTES } from "./limits.ts";

/** What a model asks of a machine, in bytes. */
export interface Needs {
  /** Of the finished bundle, on disk. */
  readonly bundleBytes: number;
  /** On disk while it is made, beside what becomes the bundle. */
  readonly temporaryBytes: number;
  /** Of memory while it is made. */
  readonly conversionBytes: number;
  /** Of memory for whoever serves it on a CPU. */
  readonly servingBytes: number;
}

/** What lies on disk and will be gone: pieces of the shard that fills, a draft beside each of two writes, the journal. */
const TEMPORARY_BYTES: number = 4 * MAX_SHARD_BYTES;

/** In memory beside the largest tensor: three shards, what is read ahead, and the process itself. Measured: 0.3 to 0.5 GB over the tensor. */
const CONVERSION_BYTES = 6e8;

/** Encodings that need a whole tensor in memory, because it leaves in another order than it comes. */
const WHOLE: ReadonlySet<string> = new Set(["f32t", "f16t", "w8", "w7"]);

/** Computes what a model of that architecture needs in a form. `fileBytes`: of tokenizer and card. */
export function needsOf(architecture: Architecture, form: StorageForm, fileBytes: number): Needs {
  const stages = draftStages(architecture, form.format, form.block);
  const tensors = stages.flatMap((stage) => stage.tensors);
  const largest = tensors
    .filter(({ encoding }) => WHOLE.has(encoding))
    .reduce((most, { data, scales }) => Math.max(most, data.bytes + (scales?.bytes ?? 0)), 0);
  return {
    bundleBytes: stages.reduce((total, { bytes }) => total + bytes, fileBytes),
    temporaryBytes: TEMPORARY_BYTES,
    conversionBytes: largest + CONVERSION_BYTES,
    servingBytes: memoryNeeded(architecture, form),
  };
}
