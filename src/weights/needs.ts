import type { Architecture } from "#domain/architecture.ts";
import { memoryNeeded, type Processor, type StorageForm } from "./format-choice.ts";
import { draftStages, type StageDraft } from "./layout.ts";
import { MAX_SHARD_BYTES } from "./limits.ts";

/** What a model asks of a machine, in bytes. */
export interface Needs {
  /** Of the finished bundle, on disk. */
  readonly bundleBytes: number;
  /** On disk while it is made, beside what becomes the bundle. */
  readonly temporaryBytes: number;
  /** Of memory while it is made. */
  readonly conversionBytes: number;
  /** Of the machine's memory for whoever serves it. */
  readonly servingBytes: number;
  /** Of a graphics card's memory for whoever serves it there; 0 for one that computes on the CPU. */
  readonly deviceBytes: number;
}

/** What lies on disk and will be gone: pieces of the shard that fills, a draft beside each of two writes, the journal. */
const TEMPORARY_BYTES: number = 4 * MAX_SHARD_BYTES;

/** In memory beside the largest tensor: three shards, what is read ahead, and the process itself. */
const CONVERSION_BYTES = 6e8;

/** Stages that are in the machine's memory at once on their way to a card. Source: `planLoad`. */
const STAGES_ON_THEIR_WAY = 3;

/** A function's process without any weights. */
const PROCESS_BYTES = 5e8;

/** Encodings that need a whole tensor in memory, because it leaves in another order than it comes. */
const WHOLE: ReadonlySet<string> = new Set(["f32t", "f16t", "w8", "w7"]);

/** Computes what a model of that architecture needs in a form. `fileBytes`: of tokenizer and card. */
export function needsOf(
  architecture: Architecture,
  form: StorageForm,
  { processor = "cpu", fileBytes = 0 }: { processor?: Processor; fileBytes?: number } = {},
): Needs {
  const stages = draftStages(architecture, form.format, form.block);
  const tensors = stages.flatMap((stage) => stage.tensors);
  const largest = tensors
    .filter(({ encoding }) => WHOLE.has(encoding))
    .reduce((most, { data, scales }) => Math.max(most, data.bytes + (scales?.bytes ?? 0)), 0);
  const needed = memoryNeeded(architecture, form, processor);
  return {
    bundleBytes: stages.reduce((total, { bytes }) => total + bytes, fileBytes),
    temporaryBytes: TEMPORARY_BYTES,
    conversionBytes: largest + CONVERSION_BYTES,
    servingBytes: processor === "cpu" ? needed : besideDevice(stages),
    deviceBytes: processor === "cpu" ? 0 : needed,
  };
}

/** Embeddings stay in the machine's memory and are read row by row; the other stages pass through it. */
function besideDevice(stages: readonly StageDraft[]): number {
  const bytesOf = (name: string): number => stages.find((stage) => stage.name === name)?.bytes ?? 0;
  const largest = Math.max(...stages.map(({ bytes }) => bytes));
  return bytesOf("embed") + STAGES_ON_THEIR_WAY * largest + PROCESS_BYTES;
}
