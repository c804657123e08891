import type { Architecture } from "#domain/architecture.ts";
import type { BundleFormat, Q4Block } from "#domain/bundle.ts";
import { draftStages } from "./layout.ts";

/** How a model is to be stored. */
export interface StorageForm {
  readonly format: BundleFormat;
  /** Of q4; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
}

/** What multiplies: a processor out of the machine's memory, or a graphics card out of its own. */
export type Processor = "cpu" | "gpu";

/** What a CPU is given where nobody says otherwise: the fastest, and the nearest to the source. */
export const CPU_FORM: StorageForm = { format: "w8a8" };

/** What a CPU is given where memory is short. Source of the block: infra/docs/decisions/016-int8-first.md. */
export const SMALL_FORM: StorageForm = { format: "q4", block: 128 };

/** What a graphics card is given: the kernels for tensor cores take 8 bits in blocks of 32, and there are none for w8a8. */
export const GPU_FORM: StorageForm = { format: "q8" };

/** What a graphics card is given where its memory is short; in blocks of 32, which alone the same kernels take. */
export const SMALL_GPU_FORM: StorageForm = { format: "q4", block: 32 };

/** Where nobody says otherwise, and where memory is short. */
const forms: Readonly<Record<Processor, readonly [StorageForm, StorageForm]>> = {
  cpu: [CPU_FORM, SMALL_FORM],
  gpu: [GPU_FORM, SMALL_GPU_FORM],
};

/** Resident bytes of a function over its weights' bytes, by format: what the runtime keeps beside them. Layers took 1.00 and 1.15. */
const RESIDENT_OVER_WEIGHTS: Readonly<Record<BundleFormat, number>> = {
  f32: 1.1,
  f16: 1.1,
  w8a8: 1.1,
  w7a8: 1.1,
  q8: 1.1,
  q4: 1.2,
};

/** The process itself, and what a pass over a long prompt takes beside the weights. */
const WORKING_BYTES = 1.5e9;

/**
 * What a card takes beside the weights: keys and values of 1,000 positions of the 8B are 1.05 GB, the scores of all heads over 1,100
 * positions 0.16 GB three times over, the rest is buffers that the runtime keeps for the next pass. Not measured on a card yet.
 */
const DEVICE_WORKING_BYTES = 2.5e9;

/** Bytes of memory that a function needs with a model in this form: of the machine's, or of the card's. */
export function memoryNeeded(
  architecture: Architecture,
  form: StorageForm,
  processor: Processor = "cpu",
): number {
  const stages = draftStages(architecture, form.format, form.block);
  const bytesOf = (counted: typeof stages): number =>
    counted.reduce((total, { bytes }) => total + bytes, 0);
  // Embeddings are read row by row out of the machine's memory.
  if (processor === "gpu")
    return bytesOf(stages.filter(({ name }) => name !== "embed")) + DEVICE_WORKING_BYTES;
  return bytesOf(stages) * RESIDENT_OVER_WEIGHTS[form.format] + WORKING_BYTES;
}

/** Chooses 8 bits where they fit into so many bytes of memory, otherwise 4; undefined where not even they fit. */
export function formFor(
  architecture: Architecture,
  memoryBytes: number,
  processor: Processor = "cpu",
): StorageForm | undefined {
  return forms[processor].find(
    (form) => memoryNeeded(architecture, form, processor) <= memoryBytes,
  );
}
