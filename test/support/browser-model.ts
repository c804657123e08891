import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Architecture } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import { fileStore } from "#inference/file-store.ts";
import { createSha256 } from "#inference/sha256.ts";
import { convertCheckpoint } from "#weights/checkpoint/convert.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { memoryStore } from "#weights/object-store.ts";
import { loadBundle } from "#weights/stream.ts";

/** A converted checkpoint of the reference as it can be sent to a browser. */
export interface BrowserModel {
  readonly architecture: Architecture;
  readonly stages: readonly { readonly layout: StageLayout; readonly base64: string }[];
}

const REFERENCE = path.resolve(import.meta.dirname, "../fixtures/reference");

/** Converts the checkpoint of a case (f32, ids only) in Node; a browser has neither its files nor a reason to read them. */
export async function browserModel(_: unknown, name: string): Promise<BrowserModel> {
  const text = await readFile(path.join(REFERENCE, "cases", name, "case.json"), "utf8");
  const { checkpoint, special_ids: ids } = JSON.parse(text);
  const store = memoryStore();
  const { bundle } = await convertCheckpoint({
    checkpoint: storedCheckpoint(fileStore(path.join(REFERENCE, checkpoint))),
    ...{ store, name: "browser", version: "1", form: { format: "f32" }, idsOnly: true },
    special: {
      ...{ mask: ids.mask, beginOfText: ids.bos, endOfText: ids.eos },
      ...{ startHeader: ids.soh, endHeader: ids.eoh, endOfTurn: ids.eot },
    },
    createHasher: createSha256,
  });
  const stages: BrowserModel["stages"][number][] = [];
  await loadBundle({
    ...{ store, bundle, createHasher: createSha256 },
    acceptor: async ({ layout, bytes }) => {
      stages.push({ layout, base64: Buffer.from(bytes).toString("base64") });
    },
  });
  return { architecture: bundle.architecture, stages };
}
