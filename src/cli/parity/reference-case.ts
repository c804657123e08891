import { readFile } from "node:fs/promises";
import path from "node:path";
import { readTensorFile, type StoredArray } from "./tensor-file.ts";

/** One case as `case.json` tells it, with its arrays. */
export interface ReferenceCase {
  readonly folder: string;
  readonly name: string;
  readonly file: CaseFile;
  readonly arrays: ReadonlyMap<string, StoredArray>;
}

/** The keys of `case.json` that are read. Source: README.md of the reference cases, "cases". */
export interface CaseFile {
  /** `nv_text`: run by Fast-dLLM's code for text-only LLaDA, on the checkpoint's language tower alone. */
  readonly kind?: string;
  readonly checkpoint: string;
  readonly special_ids: Readonly<Record<"bos" | "eos" | "mask" | "soh" | "eoh" | "eot", number>> & {
    readonly image_sentinel?: number;
    /** Ids that a masked position could not become. */
    readonly suppressed?: readonly number[];
  };
  readonly images?: readonly {
    readonly file: string;
    readonly tiles?: readonly string[] | number;
  }[];
  readonly input_ids: readonly number[];
  readonly prompt_text?: string;
  readonly prompt_len: number;
  readonly tiles_per_image?: readonly number[];
  readonly image_tokens_per_image?: readonly number[];
  readonly config_override?: Readonly<Record<string, unknown>>;
  readonly weight_patch?: WeightPatch;
  readonly runs: readonly RunFile[];
}

/** tensor[dst] = tensor[src] × scale, rows, after loading. */
export interface WeightPatch {
  readonly tensor: string;
  readonly src: number;
  readonly dst: number;
  readonly scale: number;
}

/** One run of a case, and what the reference did in it. */
export interface RunFile {
  readonly mode: string;
  readonly gen_length: number;
  readonly block_length: number;
  readonly steps: number;
  /** Of Fast-dLLM: how sure a position must be to be written; null writes as many as the schedule says. */
  readonly threshold?: number | null;
  /** Of the hook: steps from one computing of the prefix to the next, in each block anew. */
  readonly prefix_refresh_interval?: number;
  readonly temperature?: number;
  readonly cfg_scale?: number;
  readonly remasking?: string;
  readonly noise_seed?: number;
  readonly mask_id?: number;
  readonly stop_token_sequences?: readonly (readonly number[])[];
  readonly suffix_token_ids?: readonly number[];
  readonly output: readonly number[];
  readonly num_forwards: number;
  readonly num_transfer_tokens?: readonly (readonly number[])[];
  readonly trace: readonly TraceEntry[];
}

/** One forward pass: what was written. A `conf` of null is a pick without candidates, which writes nothing new. */
export interface TraceEntry {
  /** Absent in runs of Fast-dLLM, which count passes only. */
  readonly block?: number;
  readonly step?: number;
  readonly k: number;
  readonly forward_len: number;
  readonly pos: readonly number[];
  readonly tok: readonly number[];
  readonly conf: readonly (number | null)[];
}

/** Reads the case in a folder. Throws an Error that names the file if it is missing or not what a case must be. */
export async function readCase(folder: string): Promise<ReferenceCase> {
  const file = await readJson<CaseFile>(path.join(folder, "case.json"));
  if (!Array.isArray(file.runs) || typeof file.checkpoint !== "string") {
    throw new Error(`${folder}/case.json has no runs or names no checkpoint`);
  }
  const arrays = readTensorFile(await readFile(path.join(folder, "tensors.safetensors")));
  return { folder, name: path.basename(folder), file, arrays };
}

/** Parses a JSON file. Throws an Error that names the file. */
export async function readJson<Content>(file: string): Promise<Content> {
  const text = await readFile(file, "utf8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause });
  }
}
