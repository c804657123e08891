import { mkdir } from "node:fs/promises";
import { fileStore } from "#inference/file-store.ts";
import { createSha256 } from "#inference/sha256.ts";
import type { Checkpoint } from "#weights/checkpoint/checkpoint.ts";
import { encodeCheckpoint } from "#weights/checkpoint/convert.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import type { ModelRecord } from "#weights/model-record.ts";
import { type FoundModel, findIn, rememberAsked } from "./kept-model.ts";
import { waitForLock } from "./lock.ts";
import { lockFile, removeDrafts, writeRecord } from "./model-folders.ts";
import type { PrepareOptions } from "./prepared-model.ts";

/** A model that is to be made, all decided. */
export interface ModelToMake {
  readonly checkpoint: Checkpoint;
  readonly form: StorageForm;
  readonly name: string;
  readonly version: string;
  /** For people. */
  readonly source: string;
  readonly asked: string | undefined;
  /** Of the finished bundle. */
  readonly bytes: number;
}

/**
 * Makes a model in its folder, or goes on making it; whoever comes while another process does waits and finds it made.
 * The record is written last: a folder without one is unfinished.
 */
export async function convertInto(
  folder: string,
  { checkpoint, form, name, version, source, asked, bytes }: ModelToMake,
  { signal, onProgress }: Pick<PrepareOptions, "signal" | "onProgress">,
): Promise<{ readonly found: FoundModel; readonly isNew: boolean }> {
  const lock = await waitForLock(await lockFile(folder), {
    signal,
    onWait: () =>
      onProgress({ kind: "says", text: `another process is making ${folder}; waiting for it …` }),
  });
  try {
    const made = await findIn(folder);
    if (made !== undefined) {
      await rememberAsked(made, asked);
      return { found: made, isNew: false };
    }
    await mkdir(folder, { recursive: true });
    await removeDrafts(folder);
    const { bundle, digest } = await encodeCheckpoint(checkpoint, form, {
      store: fileStore(folder),
      name,
      version,
      signal,
      createHasher: createSha256,
      onProgress: (progress) => onProgress({ kind: "progress", label: progress.stage, progress }),
    });
    const finishedAt = new Date().toISOString();
    const record: ModelRecord = {
      recordVersion: 1,
      name,
      version,
      digest,
      form,
      bytes,
      source,
      finishedAt,
      asked: asked === undefined ? [] : [{ what: asked, at: finishedAt }],
    };
    await writeRecord(folder, record);
    return { found: { folder, record, bundle }, isNew: true };
  } finally {
    lock.close();
  }
}
