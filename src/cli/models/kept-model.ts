import { stat } from "node:fs/promises";
import path from "node:path";
import type { Bundle } from "#domain/bundle.ts";
import { fileStore } from "#inference/file-store.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { blobKey } from "#weights/manifest.ts";
import { MAX_ASKED, type ModelRecord } from "#weights/model-record.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { WeightsError } from "#weights/weights-error.ts";
import {
  type KeptModel,
  keptModels,
  nothingIfMissing,
  readRecord,
  writeRecord,
} from "./model-folders.ts";

/** A converted model that was found again. */
export interface FoundModel {
  readonly folder: string;
  readonly record: ModelRecord;
  readonly bundle: Bundle;
}

/** Looks for a model that was made, or found, when the same was asked for: neither network nor files are needed to start it again. */
export async function findAsked(
  models: string,
  asked: string,
  isWanted: (found: FoundModel) => boolean,
): Promise<FoundModel | undefined> {
  const askedAt = (model: KeptModel): string =>
    model.record?.asked.find(({ what }) => what === asked)?.at ?? "";
  const candidates = (await keptModels(models)).filter((model) => askedAt(model) !== "");
  // A branch may have been two commits since: what it was last is meant.
  candidates.sort((one, other) => askedAt(other).localeCompare(askedAt(one)));
  for (const { folder } of candidates) {
    const found = await findIn(folder);
    if (found !== undefined && isWanted(found)) return found;
  }
  return undefined;
}

/** The finished model in a folder; undefined where it is not finished, or something of it is missing. */
export async function findIn(folder: string): Promise<FoundModel | undefined> {
  const record = await readRecord(folder);
  if (record === undefined) return undefined;
  try {
    const { bundle, digest } = await readManifest(fileStore(folder), record.name, record.version);
    return digest === record.digest && (await isWhole(folder, bundle))
      ? { folder, record, bundle }
      : undefined;
  } catch (cause) {
    if (cause instanceof WeightsError && /^(?:not_found|manifest_invalid)$/.test(cause.code))
      return undefined; // to be made again
    throw cause;
  }
}

/** Sizes only: contents are hashed by whoever loads them. */
async function isWhole(folder: string, { stages, files }: Bundle): Promise<boolean> {
  const blobs = [...stages.flatMap(({ shards }) => shards), ...Object.values(files)];
  const sizes = await Promise.all(
    blobs.map(async (blob) => {
      const found = await stat(path.join(folder, blobKey(blob))).catch(nothingIfMissing);
      return found?.size === blob.bytes;
    }),
  );
  return sizes.every(Boolean);
}

/** Notes that a model is what was asked for just now, so that the same is found without a look at its source. */
export async function rememberAsked(found: FoundModel, asked: string | undefined): Promise<void> {
  if (asked === undefined) return;
  const others = found.record.asked.filter(({ what }) => what !== asked);
  await writeRecord(found.folder, {
    ...found.record,
    asked: [...others, { what: asked, at: new Date().toISOString() }].slice(-MAX_ASKED),
  });
}

/** How the linears of a bundle are stored. */
export function formOf({ format, stages }: Bundle): StorageForm {
  const block = stages
    .flatMap(({ tensors }) => tensors)
    .find((tensor) => tensor.block !== undefined)?.block;
  return block === undefined ? { format } : { format, block };
}
