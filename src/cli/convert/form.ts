import type { Architecture } from "#domain/architecture.ts";
import { type BundleFormat, bundleFormats, type Q4Block, q4Blocks } from "#domain/bundle.ts";
import {
  CPU_FORM,
  formFor,
  memoryNeeded,
  SMALL_FORM,
  type StorageForm,
} from "#weights/format-choice.ts";
import { UsageError } from "../command.ts";

/** Options that say how weights are stored, for `parseArguments`. */
export const FORM_OPTIONS = {
  format: { type: "string" },
  block: { type: "string" },
  memory: { type: "string" },
} as const;

/** What the command line says of it. */
export interface FormValues {
  readonly format?: string | undefined;
  readonly block?: string | undefined;
  readonly memory?: string | undefined;
}

const GIGABYTE = 1e9;

/** Help on these options, as wide as `option` is to be. */
export function formHelp(width: number): string {
  const lines = [
    ["--format", `${bundleFormats.join(" | ")} (default ${CPU_FORM.format})`],
    ["", "w8a8  int8, for CPUs: the fastest with VNNI, and the nearest to the source"],
    [
      "",
      "w7a8  for CPUs without VNNI (Intel's before 2019, AMD's before Zen 4): 1.3 times as fast there, twice the rounding",
    ],
    [
      "",
      "q4    int4: six tenths of w8a8's memory, 1.3 to 1.8 times its time on a CPU (blocks of 128)",
    ],
    ["", "q8    int8 in blocks of 32, for GPUs: q4 with --block 32 where their memory is short"],
    ["", "f16   for GPUs · f32  for checks against the source"],
    [
      "--block",
      `${q4Blocks.join(" | ")}, of q4 (default ${SMALL_FORM.block}): smaller is more exact, larger faster and smaller in memory`,
    ],
    ["--memory", "GB of the machine that serves it, instead of a format: w8a8 if it fits, else q4"],
  ];
  return lines.map(([option = "", what]) => `  ${option.padEnd(width)} ${what}`).join("\n");
}

/** Reads a format that is named. Throws UsageError for one that there is not. */
export function readFormat(text: string): BundleFormat {
  const format = bundleFormats.find((known) => known === text);
  if (format === undefined) throw new UsageError(`--format is one of ${bundleFormats.join(", ")}`);
  return format;
}

/** Reads the block of a format. Throws UsageError for one that there is not, and where the format has none. */
export function readBlock(format: BundleFormat, text: string): Q4Block {
  const block = q4Blocks.find((known) => String(known) === text);
  if (block === undefined) throw new UsageError(`--block is one of ${q4Blocks.join(", ")}`);
  if (format !== "q4") throw new UsageError(`--block is for q4; ${format} has no blocks to choose`);
  return block;
}

/** Reads how weights are to be stored. Throws UsageError for what there is not, and for options that contradict each other. */
export function readForm(
  values: FormValues,
): StorageForm | ((architecture: Architecture) => StorageForm) {
  if (values.memory === undefined) {
    const format = readFormat(values.format ?? CPU_FORM.format);
    if (values.block !== undefined) return { format, block: readBlock(format, values.block) };
    return format === "q4" ? SMALL_FORM : { format };
  }
  if (values.format !== undefined || values.block !== undefined)
    throw new UsageError("--memory chooses the format: give it or --format and --block");
  if (!/^\d{1,4}(\.\d{1,2})?$/.test(values.memory))
    throw new UsageError(`--memory ${values.memory}: write gigabytes, for example 12`);
  const bytes = Number(values.memory) * GIGABYTE;
  return (architecture) => {
    const form = formFor(architecture, bytes);
    if (form !== undefined) return form;
    const least = (memoryNeeded(architecture, SMALL_FORM) / GIGABYTE).toFixed(1);
    throw new UsageError(`--memory ${values.memory}: this model needs ${least} GB at least, in q4`);
  };
}
