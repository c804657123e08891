import path from "node:path";
import { fileStore } from "#inference/file-store.ts";
import { createSha256 } from "#inference/sha256.ts";
import { openCheckpoint } from "#weights/checkpoint/checkpoint.ts";
import { checkpointDigest } from "#weights/checkpoint/checkpoint-digest.ts";
import type { StorageForm } from "#weights/format-choice.ts";
import { needsOf } from "#weights/needs.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { openTarget } from "../convert/location.ts";
import { retryTeller } from "../convert/report.ts";
import { checkTemplate } from "../convert/template.ts";
import { askedText } from "./asked.ts";
import { type BundlePlace, findBundle } from "./bundle-place.ts";
import { convertInto } from "./convert-into.ts";
import { hubEndpoint, hubSettings } from "./hub-settings.ts";
import { type FoundModel, findAsked, findIn, formOf, rememberAsked } from "./kept-model.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { bytesUnder, folderName, modelsFolder } from "./model-folders.ts";
import {
  chooseForm,
  formName,
  needsText,
  processorOf,
  requireDisk,
  requireMemory,
} from "./needs.ts";
import { openModelSource } from "./open-source.ts";
import type { PreparedModel, PrepareOptions } from "./prepared-model.ts";
import { defaultName, type ModelSource, readSource, sourceText } from "./source.ts";

/**
 * Brings a model from wherever it is into a bundle on this machine's disk: finds the one that was made before, or fetches,
 * converts and keeps it; a bundle is used where it lies. Headers are read first, and a machine without the disk or memory is
 * told so with the numbers before anything is written. After a stop or a kill it goes on where it was; two at once wait for one another.
 *
 * Throws UsageError for a source that cannot be one, WeightsError by name for everything that can go wrong with weights,
 * `disk_too_small` and `memory_too_small` among it. Aborting rejects with the signal's reason.
 */
export async function prepareModel(options: PrepareOptions): Promise<PreparedModel> {
  const { cwd, env, signal, onProgress, machine = thisMachine(options.deviceBytes) } = options;
  const says = (text: string): void => onProgress({ kind: "says", text });
  const source = readSource(options.source, { cwd, endpoint: hubEndpoint(env) });
  const place = await bundlePlace(source, options);
  if (place !== undefined) return openBundle(place, options, machine);

  const models = options.models ?? modelsFolder({ cwd, env });
  const name = options.name ?? defaultName(source);
  const asked = await askedText(source);
  const isWanted = ({ record, bundle }: FoundModel): boolean =>
    record.name === name &&
    isSameForm(
      record.form,
      chooseForm(options.format, bundle.architecture, options.provider, machine),
    );
  if (asked !== undefined && !options.refresh) {
    const found = await findAsked(models, asked, isWanted);
    if (found !== undefined) return kept(found, options, machine);
  }

  if (source.kind !== "folder") says(`looking at ${sourceText(source)} …`);
  const opened = await openModelSource(source, {
    cwd,
    env,
    signal,
    hub: () => hubSettings(env),
    fetching: { onRetry: retryTeller(says) },
  });
  const checkpoint = await openCheckpoint(opened.folder, { checkTemplate, signal });
  const { architecture } = checkpoint;
  const form = chooseForm(options.format, architecture, options.provider, machine);
  const identity = opened.commit ?? checkpointDigest(checkpoint, createSha256);
  const version = `${identity.slice(0, 12)}-${formName(form)}`;
  const folder = path.join(models, folderName(name, version));
  const before = await findIn(folder);
  if (before !== undefined) {
    await rememberAsked(before, asked);
    return kept(before, options, machine);
  }

  const needs = needsOf(architecture, form, {
    processor: processorOf(options.provider),
    fileBytes: bytesOf(checkpoint.files.values()),
  });
  requireMemory(needs, form, machine, "conversion");
  await requireDisk(needs, form, { folder, keptBytes: await bytesUnder(folder), machine });
  says(`converting ${opened.label} into ${folder}: ${needsText(needs, form)}`);
  const { found, isNew } = await convertInto(
    folder,
    { checkpoint, form, name, version, source: opened.label, asked, bytes: needs.bundleBytes },
    { signal, onProgress },
  );
  return prepared(found, isNew ? "converted" : "kept");
}

function bytesOf(files: Iterable<Uint8Array>): number {
  return [...files].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function isSameForm(one: StorageForm, other: StorageForm): boolean {
  return formName(one) === formName(other);
}

async function bundlePlace(
  source: ModelSource,
  { cwd, env, signal }: PrepareOptions,
): Promise<BundlePlace | undefined> {
  if (source.kind !== "folder" && source.kind !== "bucket") return undefined;
  return findBundle(sourceText(source), (address) => openTarget(address, { cwd, env }), signal);
}

async function openBundle(
  { root, name, version }: BundlePlace,
  { cwd, env, signal, provider }: PrepareOptions,
  machine: Machine,
): Promise<PreparedModel> {
  const store = openTarget(root, { cwd, env });
  const { bundle, digest } = await readManifest(store, name, version, { signal });
  const form = formOf(bundle);
  const processor = processorOf(provider);
  requireMemory(needsOf(bundle.architecture, form, { processor }), form, machine);
  return {
    location: root.startsWith("s3://")
      ? { kind: "s3", address: root }
      : { kind: "folder", path: root },
    store,
    name,
    version: bundle.version,
    digest,
    bundle,
    source: root,
    from: "bundle",
  };
}

function kept(found: FoundModel, { provider }: PrepareOptions, machine: Machine): PreparedModel {
  const { architecture } = found.bundle;
  const { form } = found.record;
  const processor = processorOf(provider);
  requireMemory(needsOf(architecture, form, { processor }), form, machine);
  return prepared(found, "kept");
}

function prepared(
  { folder, record, bundle }: FoundModel,
  from: PreparedModel["from"],
): PreparedModel {
  return {
    location: { kind: "folder", path: folder },
    store: fileStore(folder),
    name: record.name,
    version: record.version,
    digest: record.digest,
    bundle,
    source: record.source,
    from,
  };
}
