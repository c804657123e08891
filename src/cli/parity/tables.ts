import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Picture } from "#domain/tensor.ts";
import { chooseCommit, factorCount } from "#model/decode/commit.ts";
import { mostConfident } from "#model/decode/confidence.ts";
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

/** Checks every table in `pure` and `resize`: what needs no model and no provider. */
export async function* checkTables(root: string, signal: AbortSignal): AsyncGenerator<Verdict> {
  for (const folder of ["pure", "resize"]) {
    for (const file of await filesOf(path.join(root, folder))) {
      if (folder === "resize" && file === "index.json") continue;
      const name = `${folder}/${file}`;
      const compare = tableCheck(file);
      if (compare === undefined) {
        yield { outcome: "skipped", name, detail: "no check for it" };
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
  "fast_threshold_rule.json": jsonCheck(compareFactorRule),
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

interface FactorTable {
  readonly rows: readonly {
    readonly confidence: readonly number[];
    /** 1 where a position is masked. */
    readonly mask: readonly number[];
    /** Only positions before it may be written. */
    readonly block_end: number;
    readonly threshold: number;
    readonly num_selected: number;
    readonly selected_valid: readonly number[];
  }[];
}

/** How many positions, and which, the hook's factor rule takes. */
function compareFactorRule({ rows }: FactorTable, comparison: Comparison): void {
  for (const [row, { confidence, mask, block_end, threshold, ...expected }] of rows.entries()) {
    const candidates = confidence
      .map((value, position) => ({ position, token: 0, confidence: value, entropy: 0, gap: 0 }))
      .filter(({ position }) => mask[position] === 1 && position < block_end);
    const maskedInWindow = mask.filter((value) => value === 1).length;
    const surestFirst = mostConfident(candidates, candidates.length);
    const count = factorCount(
      surestFirst.map((candidate) => candidate.confidence),
      maskedInWindow,
      threshold,
    );
    comparison.same(`row ${row} count`, count, expected.num_selected);
    const rule = { kind: "factor", factor: threshold } as const;
    const { chosen } = chooseCommit(rule, { candidates, planned: 0, progress: 0, maskedInWindow });
    comparison.same(
      `row ${row} positions`,
      chosen.map(({ position }) => position).toSorted((a, b) => a - b),
      expected.selected_valid.toSorted((a, b) => a - b),
    );
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
