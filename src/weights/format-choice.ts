import type { Architecture } from "#domain/architecture.ts";
import type { BundleFormat, Q4Block } from "#domain/bundle.ts";
import { draftStages } from "./layout.ts";

/** How a model is to be stored. */
export interface StorageForm {
  readonly format: BundleFormat;
  /** Of q4; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
}

/** What a CPU is given where nobody says otherwise: the fastest, and the nearest to the source. */
export const CPU_FORM: StorageForm = { format: "w8a8" };

/** What a CPU is given where memory is short. Source of the block: infra/docs/decisions/016-int8-first.md. */
export const SMALL_FORM: StorageForm = { format: "q4", block: 128 };

/** Resident bytes of a function over its weights' bytes, by format: what the runtime keeps beside them. Layers took 1.00 and 1.15. */
const RESIDENT_OVER_WEIGHTS = { w8a8: 1.1, q4: 1.2 } as const;

/** The process itself, and what a pass over a long prompt takes beside the weights. */
const WORKING_BYTES = 1.5e9;

/** Bytes of memory that a function needs with a model in this form. */
export function memoryNeeded(architecture: Architecture, form: StorageForm): number {
  const stages = draftStages(architecture, form.format, form.block);
  const weights = stages.reduce((total, { bytes }) => total + bytes, 0);
  const over = form.format === "q4" ? RESIDENT_OVER_WEIGHTS.q4 : RESIDENT_OVER_WEIGHTS.w8a8;
  return weights * over + WORKING_BYTES;
}

/** Chooses int8 where it fits into so many bytes of memory, otherwise 4 bits; undefined where not even they fit. */
export function formFor(architecture: Architecture, memoryBytes: number): StorageForm | undefined {
  return [CPU_FORM, SMALL_FORM].find((form) => memoryNeeded(architecture, form) <= memoryBytes);
}
