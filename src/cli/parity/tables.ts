import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Picture } from "#domain/tensor.ts";
import { revealSchedule } from "#model/decode/schedule.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { type Comparison, compareWith, tolerances } from "./comparison.ts";
import {
  compareAnyresSizes,
  compareAssemblyMaps,
  compareBilinear,
  compareUnpad,
} from "./layout-tables.ts";
import { compareNumerics, compareRotary } from "./numeric-tables.ts";
import { readJson } from "./reference-case.ts";
import { type NamedArrays, namedArrays, type StoredArray } from "./tensor-file.ts";
import { compareConversations, compareImageTokens } from "./text-tables.ts";
import { judge, type Verdict } from "./verdict.ts";

/** Tables for rules that this engine does not offer, with the reason that is printed. */
const notOffered: Readonly<Record<string, string>> = {
  "fast_threshold_rule.json": "mode fast: its rule of how sure is sure enough is not offered",
};

/** Checks every table in `pure` and `resize`: what needs no model and no provider. */
export async function* checkTables(root: string, signal: AbortSignal): AsyncGenerator<Verdict> {
  for (const folder of ["pure", "resize"]) {
    for (const file of await filesOf(path.join(root, folder))) {
      if (folder === "resize" && file === "index.json") continue;
      const name = `${folder}/${file}`;
      const compare = tableCheck(file);
      const reason = notOffered[file] ?? (compare === undefined ? "no check for it" : undefined);
      if (compare === undefined || reason !== undefined) {
        yield { outcome: "skipped", name, detail: reason ?? "" };
      } else {
        yield await judge(name, compareWith(), signal, (comparison) =>
          compare(path.join(root, folder, file), comparison),
        );
      }
    }
  }
}

type TableCheck = (file: string, comparison: Comparison) => Promise<void>;

function tableCheck(file: string): TableCheck | undefined {
  const theta = /^rope_theta(\d+)\.safetensors$/.exec(file)?.[1];
  if (theta !== undefined) {
    return arraysCheck((arrays, comparison) => compareRotary(arrays, Number(theta), comparison));
  }
  return checks[file];
}

const checks: Readonly<Record<string, TableCheck>> = {
  "num_transfer_tokens.json": jsonCheck(compareSchedules),
  "anyres_sizes.json": jsonCheck(compareAnyresSizes),
  "unpad_image.json": jsonCheck(compareUnpad),
  "assembly_maps.safetensors": arraysCheck(compareAssemblyMaps),
  "bilinear.safetensors": arraysCheck(compareBilinear),
  "numerics.safetensors": arraysCheck(compareNumerics),
  "conversation.json": jsonCheck(compareConversations),
  "tokenizer_image_token.json": jsonCheck(compareImageTokens),
  "bicubic_u8.safetensors": arraysCheck(compareResizes),
};

function jsonCheck<Table>(compare: (table: Table, comparison: Comparison) => void): TableCheck {
  return async (file, comparison) => compare(await readJson<Table>(file), comparison);
}

function arraysCheck(compare: (arrays: NamedArrays, comparison: Comparison) => void): TableCheck {
  return async (file, comparison) => compare(namedArrays(await readFile(file), file), comparison);
}

/** How many reveals each step gets. */
function compareSchedules(
  { rows }: { rows: { mask: number; steps: number; out: number[] }[] },
  comparison: Comparison,
): void {
  for (const { mask, steps, out } of rows) {
    comparison.same(`${mask} masks in ${steps} steps`, revealSchedule(mask, steps), out);
  }
}

/** Pictures in{k} scaled to the sizes of out{k}: every pixel must be equal. */
function compareResizes(arrays: NamedArrays, comparison: Comparison): void {
  for (const name of arrays.names.filter((candidate) => candidate.startsWith("in"))) {
    const expected = arrays.get(name.replace("in", "out"));
    const [height = 0, width = 0] = expected.shape;
    const scaled = resizeBicubic(pictureOf(arrays.get(name)), width, height);
    comparison.numbers(name, scaled.pixelsHWC, expected.data, tolerances.exact);
  }
}

function pictureOf({ shape, data }: StoredArray): Picture {
  const [height = 0, width = 0] = shape;
  return { width, height, pixelsHWC: Uint8Array.from(data) };
}

async function filesOf(folder: string): Promise<string[]> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return found === undefined ? [] : (await readdir(folder)).toSorted();
}
