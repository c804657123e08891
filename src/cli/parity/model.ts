import path from "node:path";
import type { SpecialTokens } from "#domain/architecture.ts";
import type { Bundle, StageName, TensorEntry } from "#domain/bundle.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import { fileStore } from "#inference/file-store.ts";
import { createNodeEngine, type NodeEngineOptions } from "#inference/runtime/node-engine.ts";
import { createSha256 } from "#inference/sha256.ts";
import type { CheckpointFolder } from "#weights/checkpoint/checkpoint-folder.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { placeTensor } from "#weights/checkpoint/tensor-names.ts";
import { memoryStore } from "#weights/object-store.ts";
import { memorySource } from "#weights/source.ts";
import { loadBundle } from "#weights/stream.ts";
import type { CaseFile, WeightPatch } from "./reference-case.ts";
import { textOnly } from "./text-only.ts";

/** A checkpoint of the reference, ready to run, with a view of what goes on inside. */
export interface ReferenceModel {
  readonly engine: OrtEngine;
  /**
   * Positions after which the reference cuts a prompt off: `tokenizer_model_max_length`, and nothing else, so infinite without
   * that key. (A service takes the length of the position table instead.) Source: llava_arch.py.
   */
  readonly promptLimit: number;
  /** Runs some work and returns the numbers that the engine showed meanwhile, parts of one name joined. */
  observe(work: () => Promise<unknown>): Promise<ReadonlyMap<string, Float32Array>>;
}

export type ParityProvider = NodeEngineOptions["provider"];
/** What computes: a provider, and what it needs. */
export type ParityEngine = Pick<NodeEngineOptions, "provider" | "cuda" | "runtime">;

/**
 * Brings a case's checkpoint to life the way a served one comes: converted (f32, ids only), stored, loaded stage by stage,
 * verified, accepted by an engine. What the case changes in config or weights is changed on the way.
 */
export async function openModel(
  root: string,
  file: CaseFile,
  computing: ParityEngine,
  signal: AbortSignal,
): Promise<ReferenceModel> {
  const store = memoryStore();
  const whole = overriddenCheckpoint(path.join(root, file.checkpoint), file.config_override);
  const checkpoint = file.kind === "nv_text" ? textOnly(whole) : whole;
  const { bundle } = await convertCheckpoint({
    checkpoint,
    store,
    name: "parity",
    version: "1",
    form: { format: "f32" },
    idsOnly: true,
    special: specialTokens(file),
    createHasher: createSha256,
    signal,
  });
  const { architecture } = bundle;
  const patch = file.weight_patch && placePatch(file.weight_patch, bundle);
  const seen = new Map<string, Float32Array[]>();
  const engine = await createNodeEngine({
    ...computing,
    architecture,
    // The reference's models are tiny: waking another thread costs more than it does.
    threads: 1,
    thread: "callers",
    observe: (name, { data }) => seen.set(name, [...(seen.get(name) ?? []), data]),
  });
  await loadBundle({
    store,
    bundle,
    createHasher: createSha256,
    signal,
    acceptor: async (stage) => {
      if (patch?.stage === stage.layout.name) patchRow(stage.bytes, patch);
      await engine.accept(stage);
    },
  });
  return {
    engine,
    promptLimit: await promptLimit(checkpoint, signal),
    async observe(work) {
      seen.clear();
      await work();
      return new Map([...seen].map(([name, parts]) => [name, joined(parts)]));
    },
  };
}

/** A folder whose config.json has some keys replaced. */
function overriddenCheckpoint(
  folder: string,
  override: CaseFile["config_override"],
): CheckpointFolder {
  const checkpoint = storedCheckpoint(fileStore(folder));
  if (override === undefined) return checkpoint;
  return {
    ...checkpoint,
    async open(name, signal) {
      if (name !== "config.json") return checkpoint.open(name, signal);
      const config = { ...(await readConfig(checkpoint, signal)), ...override };
      return memorySource(new TextEncoder().encode(JSON.stringify(config)));
    },
  };
}

async function promptLimit(checkpoint: CheckpointFolder, signal: AbortSignal): Promise<number> {
  const { tokenizer_model_max_length: limit } = await readConfig(checkpoint, signal);
  return typeof limit === "number" ? limit : Number.POSITIVE_INFINITY;
}

async function readConfig(
  checkpoint: CheckpointFolder,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const source = await checkpoint.open("config.json", signal);
  if (source === undefined) throw new Error(`${checkpoint.address} has no config.json`);
  return JSON.parse(new TextDecoder().decode(await source.slice(0, source.byteLength, signal)));
}

function specialTokens({ special_ids: ids }: CaseFile): SpecialTokens {
  return {
    mask: ids.mask,
    beginOfText: ids.bos,
    endOfText: ids.eos,
    startHeader: ids.soh,
    endHeader: ids.eoh,
    endOfTurn: ids.eot,
  };
}

/** Where a patch applies: the tensor as it lies in a stage. */
interface PlacedPatch {
  readonly stage: StageName;
  readonly entry: TensorEntry;
  readonly change: WeightPatch;
}

/** Finds what a patch changes. One that would change nothing is an Error: its case would be tried on another model. */
function placePatch(change: WeightPatch, { architecture, stages }: Bundle): PlacedPatch {
  const place = placeTensor(change.tensor, architecture);
  const wanted = place.kind === "stage" ? place : undefined;
  const stage = stages.find(({ name }) => name === wanted?.stage);
  const entry = stage?.tensors.find(({ name }) => name === wanted?.name);
  if (stage === undefined || entry === undefined) {
    throw new Error(`weight_patch: no stage has tensor ${change.tensor}`);
  }
  const [rows = 1] = entry.shape;
  if (change.src >= rows || change.dst >= rows) {
    throw new Error(`weight_patch: ${change.tensor} has ${rows} rows only`);
  }
  return { stage: stage.name, entry, change };
}

/** Changes one row of a float32 tensor in place, transposed or not. */
function patchRow(bytes: Uint8Array, { entry, change }: PlacedPatch): void {
  const { offset, bytes: byteLength } = entry.data;
  const values = new Float32Array(bytes.buffer, bytes.byteOffset + offset, byteLength / 4);
  const [rows = 1] = entry.shape;
  const width = values.length / rows;
  const [rowStride, columnStride] = entry.encoding === "f32t" ? [1, rows] : [width, 1];
  for (let column = 0; column < width; column++) {
    const source = values[change.src * rowStride + column * columnStride] ?? Number.NaN;
    values[change.dst * rowStride + column * columnStride] = source * change.scale;
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
