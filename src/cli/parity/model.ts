import path from "node:path";
import type { SpecialTokens } from "#domain/architecture.ts";
import type { LoadedStage } from "#domain/bundle.ts";
import { createOrtEngine, type OrtEngine } from "#inference/engine/ort-engine.ts";
import { fileStore } from "#inference/file-store.ts";
import { createSha256 } from "#inference/sha256.ts";
import type { CheckpointFolder } from "#weights/checkpoint/checkpoint.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { placeTensor } from "#weights/checkpoint/tensor-names.ts";
import { memoryStore } from "#weights/object-store.ts";
import { memorySource } from "#weights/source.ts";
import { loadBundle } from "#weights/stream.ts";
import type { CaseFile, WeightPatch } from "./reference-case.ts";

/** A checkpoint of the reference, ready to run, with a view of what goes on inside. */
export interface ReferenceModel {
  readonly engine: OrtEngine;
  /** Runs some work and returns the numbers that the engine showed meanwhile, parts of one name joined. */
  observe(work: () => Promise<unknown>): Promise<ReadonlyMap<string, Float32Array>>;
}

export type ParityProvider = "cpu" | "wasm";

/**
 * Brings a case's checkpoint to life the way a served one comes: converted (f32, ids only), stored, loaded stage by stage,
 * verified, accepted by an engine. What the case changes in config or weights is changed on the way.
 */
export async function openModel(
  root: string,
  file: CaseFile,
  provider: ParityProvider,
  signal: AbortSignal,
): Promise<ReferenceModel> {
  const store = memoryStore();
  const { bundle } = await convertCheckpoint({
    checkpoint: overriddenCheckpoint(path.join(root, file.checkpoint), file.config_override),
    store,
    name: "parity",
    version: "1",
    format: "f32",
    idsOnly: true,
    special: specialTokens(file),
    createHasher: createSha256,
    signal,
  });
  const { architecture } = bundle;
  const seen = new Map<string, Float32Array[]>();
  const engine = await createOrtEngine({
    architecture,
    provider,
    // The reference's models are tiny: waking another thread costs more than it does.
    threads: 1,
    thread: "callers",
    observe: (name, { data }) => seen.set(name, [...(seen.get(name) ?? []), data]),
  });
  const place = file.weight_patch && placeTensor(file.weight_patch.tensor, architecture);
  await loadBundle({
    store,
    bundle,
    createHasher: createSha256,
    signal,
    acceptor: async (stage) => {
      if (file.weight_patch && place?.kind === "stage" && place.stage === stage.layout.name) {
        patchRow(stage, place.name, file.weight_patch);
      }
      await engine.accept(stage);
    },
  });
  return {
    engine,
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
      const source = await checkpoint.open(name, signal);
      if (name !== "config.json" || source === undefined) return source;
      const text = new TextDecoder().decode(await source.slice(0, source.byteLength, signal));
      const config = JSON.stringify({ ...JSON.parse(text), ...override });
      return memorySource(new TextEncoder().encode(config));
    },
  };
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

/** Changes one row of a float32 tensor in place, transposed or not. */
function patchRow({ layout, bytes }: LoadedStage, name: string, patch: WeightPatch): void {
  const entry = layout.tensors.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`stage ${layout.name} has no tensor ${name} to patch`);
  const { offset, bytes: byteLength } = entry.data;
  const values = new Float32Array(bytes.buffer, bytes.byteOffset + offset, byteLength / 4);
  const [rows = 1] = entry.shape;
  const width = values.length / rows;
  const [rowStride, columnStride] = entry.encoding === "f32t" ? [1, rows] : [width, 1];
  for (let column = 0; column < width; column++) {
    const source = values[patch.src * rowStride + column * columnStride] ?? Number.NaN;
    values[patch.dst * rowStride + column * columnStride] = source * patch.scale;
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
