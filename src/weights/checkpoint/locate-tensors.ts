import { MAX_CHECKPOINT_FILES, MAX_CHECKPOINT_JSON_BYTES } from "../limits.ts";
import type { ByteSource } from "../source.ts";
import { WeightsError } from "../weights-error.ts";
import { type CheckpointFolder, parseFile, readWhole } from "./checkpoint-folder.ts";
import { readSafetensorsHeader, type SourceTensor } from "./safetensors.ts";

/** A tensor, and where it lies. */
export interface LocatedTensor extends SourceTensor {
  readonly source: ByteSource;
  readonly fileName: string;
}

/**
 * Opens every safetensors file that the index names, or `model.safetensors`, which is the whole model where there is no index, or
 * all that lie in the folder, and joins their headers. Source: transformers, `_get_resolved_checkpoint_files`.
 */
export async function locateTensors(
  folder: CheckpointFolder,
  signal: AbortSignal | undefined,
): Promise<Map<string, LocatedTensor>> {
  const located = new Map<string, LocatedTensor>();
  for (const fileName of await weightFiles(folder, signal)) {
    const source = await folder.open(fileName, signal);
    if (source === undefined) {
      throw new WeightsError("checkpoint_invalid", `${folder.address} lacks ${fileName}`);
    }
    for (const tensor of await readSafetensorsHeader(source, fileName, signal)) {
      const other = located.get(tensor.name);
      if (other !== undefined) {
        throw new WeightsError(
          "safetensors_duplicate_name",
          `${tensor.name} is both in ${other.fileName} and in ${fileName}`,
        );
      }
      located.set(tensor.name, { ...tensor, source, fileName });
    }
  }
  return located;
}

const WHOLE_MODEL = "model.safetensors";

async function weightFiles(
  folder: CheckpointFolder,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const index = await folder.open("model.safetensors.index.json", signal);
  if (index !== undefined) {
    const bytes = await readWhole(index, "the index", MAX_CHECKPOINT_JSON_BYTES, signal);
    return filesOfIndex(parseFile(bytes, "model.safetensors.index.json"));
  }
  const names = (await folder.list(signal)) ?? [WHOLE_MODEL];
  if (names.includes(WHOLE_MODEL)) return [WHOLE_MODEL];
  const weights = names.filter((name) => name.endsWith(".safetensors")).sort();
  if (weights.length === 0 || weights.length > MAX_CHECKPOINT_FILES) {
    throw new WeightsError(
      "checkpoint_invalid",
      `${folder.address} has ${weights.length} safetensors files; allowed are 1 to ${MAX_CHECKPOINT_FILES}`,
    );
  }
  return weights;
}

function filesOfIndex(index: unknown): string[] {
  const map =
    typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : {};
  const names = [...new Set(Object.values(map ?? {}))];
  const isUsable = (name: unknown): name is string =>
    typeof name === "string" && /^[\w.-]+\.safetensors$/.test(name);
  if (names.length === 0 || names.length > MAX_CHECKPOINT_FILES || !names.every(isUsable)) {
    throw new WeightsError(
      "checkpoint_invalid",
      "model.safetensors.index.json has no weight_map of plain file names",
    );
  }
  return names.sort();
}
