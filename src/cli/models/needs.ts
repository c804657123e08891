import type { Architecture } from "#domain/architecture.ts";
import { STANDARD_Q4_BLOCK } from "#domain/bundle.ts";
import {
  formFor,
  type Processor,
  SMALL_FORM,
  SMALL_GPU_FORM,
  type StorageForm,
} from "#weights/format-choice.ts";
import type { Needs } from "#weights/needs.ts";
import { WeightsError } from "#weights/weights-error.ts";
import type { Machine } from "./machine.ts";
import type { ModelProvider } from "./prepared-model.ts";

/** What the caller asked for: a form, or the best that the machine can serve. */
export type WantedForm = StorageForm | "auto";

/** Where a provider multiplies. */
export function processorOf(provider: ModelProvider): Processor {
  return provider === "cpu" || provider === "wasm" ? "cpu" : "gpu";
}

/**
 * Returns the form that a model is to have: the best that fits into the memory that multiplies, and where that of a card is not known,
 * the best there is; where not even the smallest fits, that one, so that the refusal tells its numbers.
 */
export function chooseForm(
  wanted: WantedForm,
  architecture: Architecture,
  provider: ModelProvider,
  { memoryBytes, deviceBytes = Number.POSITIVE_INFINITY }: Machine,
): StorageForm {
  if (wanted !== "auto") return wanted;
  return processorOf(provider) === "cpu"
    ? (formFor(architecture, memoryBytes, "cpu") ?? SMALL_FORM)
    : (formFor(architecture, deviceBytes, "gpu") ?? SMALL_GPU_FORM);
}

/**
 * Throws WeightsError `memory_too_small`, with the numbers, unless a machine can serve a model in that form, and make it where
 * that is still to be done.
 */
export function requireMemory(
  needs: Needs,
  form: StorageForm,
  { memoryBytes, deviceBytes = Number.POSITIVE_INFINITY }: Machine,
  todo?: "conversion",
): void {
  const lacks = (needed: number, what: string, has: number): void => {
    if (needed <= has) return;
    throw new WeightsError(
      "memory_too_small",
      `in ${formText(form)} the model needs ${gigabytes(needed)} of ${what} has ${gigabytes(has)}`,
    );
  };
  lacks(needs.deviceBytes, "the graphics card's memory; it", deviceBytes);
  lacks(needs.servingBytes, "memory to be served; this machine", memoryBytes);
  if (todo === "conversion")
    lacks(needs.conversionBytes, "memory to be converted; this machine", memoryBytes);
}

/** Throws WeightsError `disk_too_small`, with the numbers, unless a bundle of which `keptBytes` are there fits on the folder's disk. */
export async function requireDisk(
  { bundleBytes, temporaryBytes }: Needs,
  form: StorageForm,
  { folder, keptBytes, machine }: { folder: string; keptBytes: number; machine: Machine },
): Promise<void> {
  const needed = Math.max(0, bundleBytes - keptBytes) + temporaryBytes;
  const free = await machine.freeBytes(folder);
  if (needed <= free) return;
  throw new WeightsError(
    "disk_too_small",
    `in ${formText(form)} the model needs ${gigabytes(needed)} of disk in ${folder}; ${gigabytes(free)} are free`,
  );
}

/** What a model will take, told before its first byte is fetched. */
export function needsText(needs: Needs, form: StorageForm): string {
  const { bundleBytes, servingBytes, deviceBytes } = needs;
  const card = deviceBytes === 0 ? "" : ` and ${gigabytes(deviceBytes)} of the graphics card's`;
  return `${formText(form)}, ${gigabytes(bundleBytes)} on disk, ${gigabytes(servingBytes)} of memory${card} to serve it`;
}

/** A form as a part of a version: `w8a8`, `q4-32`. Equal for equal forms. */
export function formName({ format, block = STANDARD_Q4_BLOCK }: StorageForm): string {
  return format === "q4" ? `${format}-${block}` : format;
}

/** A form as one writes it on the command line: `w8a8`, `q4 in blocks of 32`. */
export function formText({ format, block }: StorageForm): string {
  return block === undefined ? format : `${format} in blocks of ${block}`;
}

/** A size for people: gigabytes with one digit, megabytes below one. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
