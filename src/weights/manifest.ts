import * as z from "zod";
import { canvasRangeFault } from "#domain/abilities.ts";
import { imageAspects } from "#domain/architecture.ts";
import type { Blob, Bundle, StageLayout } from "#domain/bundle.ts";
import { bundleFormats, q4Blocks, TENSOR_ALIGNMENT, tensorEncodings } from "#domain/bundle.ts";
import { checkBundle, UNUSABLE } from "./check-bundle.ts";
import { convTower } from "./conv-tower.ts";
import {
  MAX_DIMENSION,
  MAX_FILE_BYTES,
  MAX_FILES,
  MAX_GRID_PINPOINTS,
  MAX_LAYERS,
  MAX_NAME_LENGTH,
  MAX_SHARD_BYTES,
  MAX_SHARDS_PER_STAGE,
  MAX_STAGE_BYTES,
  MAX_STAGES,
  MAX_SUPPRESSED_TOKENS,
  MAX_TEMPLATE_LENGTH,
  MAX_TENSORS_PER_STAGE,
  MAX_VOCABULARY,
} from "./limits.ts";
import { parseAs } from "./parse-json.ts";
import { readCardSchema } from "./read-card-file.ts";
import { abstentionSchema, calibrationSchema, domainSchema } from "./trust-file.ts";

const count = z.number().int().min(1).max(MAX_DIMENSION);
const layers = z.number().int().min(1).max(MAX_LAYERS);
const epsilon = z.number().positive().max(1);
const tokenId = z.number().int().min(0).max(MAX_VOCABULARY);
/** A part of an object's key: no slashes, and no dot in front, so that no name leads out of its folder. */
const keyPart = z
  .string()
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);

/** What `isBundleName` asks for, in words. */
export const BUNDLE_NAME_RULE: string = `up to ${MAX_NAME_LENGTH} letters, digits, dots, underscores and hyphens, the first a letter or digit`;

/** Says whether a text can be a model's name or version. */
export function isBundleName(text: string): boolean {
  return keyPart.safeParse(text).success;
}

const blob = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().min(0).max(MAX_FILE_BYTES),
});

const byteRange = z.strictObject({
  offset: z.number().int().min(0).max(MAX_STAGE_BYTES).multipleOf(TENSOR_ALIGNMENT),
  bytes: z.number().int().min(0).max(MAX_STAGE_BYTES),
});

const tensorEntry = z.strictObject({
  name: z.string().min(1).max(MAX_NAME_LENGTH),
  shape: z.array(count).min(1).max(4).readonly(),
  encoding: z.enum(tensorEncodings),
  block: z.literal(q4Blocks).exactOptional(),
  data: byteRange,
  scales: byteRange.exactOptional(),
});

/** One stage as it stands in a manifest, and in the journal of an unfinished conversion. */
export const stageLayoutSchema: z.ZodType<StageLayout> = z.strictObject({
  name: z.string().min(1).max(MAX_NAME_LENGTH),
  bytes: z.number().int().min(1).max(MAX_STAGE_BYTES),
  shards: z
    .array(blob.extend({ bytes: z.number().int().min(1).max(MAX_SHARD_BYTES) }))
    .min(1)
    .max(MAX_SHARDS_PER_STAGE)
    .readonly(),
  tensors: z.array(tensorEntry).min(1).max(MAX_TENSORS_PER_STAGE).readonly(),
});

const patchTower = z.strictObject({
  hiddenSize: count,
  layers,
  heads: count,
  intermediateSize: count,
  imageSize: count,
  patchSize: count,
  layerNormEpsilon: epsilon,
});

const architecture = z.strictObject({
  language: z.strictObject({
    hiddenSize: count,
    layers,
    heads: count,
    keyValueHeads: count,
    headSize: count,
    intermediateSize: count,
    vocabSize: z.number().int().min(1).max(MAX_VOCABULARY),
    ropeTheta: z.number().positive(),
    rmsNormEpsilon: epsilon,
  }),
  vision: z.union([patchTower, convTower]).exactOptional(),
  image: z
    .strictObject({
      aspect: z.enum(imageAspects),
      gridPinpoints: z
        .array(z.tuple([count, count]).readonly())
        .max(MAX_GRID_PINPOINTS)
        .readonly(),
      maxTiles: count,
    })
    .exactOptional(),
  prompt: z.strictObject({
    chatTemplate: z.string().max(MAX_TEMPLATE_LENGTH).exactOptional(),
    systemPrompt: z.string().max(MAX_TEMPLATE_LENGTH),
    maxPromptLength: count,
  }),
  decoding: z
    .strictObject({
      suppressed: z.array(tokenId).max(MAX_SUPPRESSED_TOKENS).readonly(),
      blockLength: count.exactOptional(),
    })
    .exactOptional(),
  special: z.strictObject({
    mask: tokenId,
    beginOfText: tokenId,
    endOfText: tokenId,
    startHeader: tokenId,
    endHeader: tokenId,
    endOfTurn: tokenId,
  }),
  logitsColumns: z.number().int().min(1).max(MAX_VOCABULARY),
});

const abilities = z.strictObject({
  canvas: z
    .strictObject({ standard: count, recommended: count, limit: count })
    .superRefine((range, context) => {
      const fault = canvasRangeFault(range);
      if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
    }),
  systemMessages: z.boolean(),
  severalPictures: z.boolean(),
  severalTurns: z.boolean(),
});

/** The manifest as JSON: `unknown` in, `Bundle` out. What no schema can say is checked by `checkBundle`. */
export const bundleSchema: z.ZodType<Bundle> = z.strictObject({
  formatVersion: z.literal(1),
  name: keyPart,
  version: keyPart,
  format: z.enum(bundleFormats),
  architecture,
  abilities: abilities.exactOptional(),
  domain: domainSchema.exactOptional(),
  calibration: calibrationSchema.exactOptional(),
  abstention: abstentionSchema.exactOptional(),
  read: readCardSchema.exactOptional(),
  stages: z.array(stageLayoutSchema).min(1).max(MAX_STAGES).readonly(),
  files: z
    .record(keyPart, blob)
    .refine((files) => Object.keys(files).length <= MAX_FILES, {
      error: `at most ${MAX_FILES} files`,
    })
    .readonly(),
});

const latestSchema = z.strictObject({
  version: keyPart,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What `latest.json` says: which version is meant when none is named. */
export interface Latest {
  readonly version: string;
  readonly digest: string;
}

/**
 * Reads a manifest from hostile bytes. Beyond the schema, the stages must be the architecture's, their tensors must have
 * its shapes and lie side by side inside the stage, and the shards must add up.
 * Throws WeightsError `manifest_invalid` that says what is wrong where.
 */
export function parseManifest(bytes: Uint8Array, address: string): Bundle {
  const bundle = parseAs(bundleSchema, bytes, address, UNUSABLE);
  checkBundle(bundle, address);
  return bundle;
}

/** Reads `latest.json` from hostile bytes. Throws WeightsError `manifest_invalid`. */
export function parseLatest(bytes: Uint8Array, address: string): Latest {
  return parseAs(latestSchema, bytes, address, UNUSABLE);
}

/**
 * Writes a value as canonical JSON: keys sorted, no white space, so that equal bundles have equal digests.
 * Source: RFC 8785; numbers and strings are what ECMAScript's own serialisation writes.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  });
}

/** Key of a bundle's manifest. */
export function manifestKey(name: string, version: string): string {
  return `models/${name}/${version}/manifest.json`;
}

/** Key of the one object that changes: which version of a model is the current one. */
export function latestKey(name: string): string {
  return `models/${name}/latest.json`;
}

/** Key of a shard or file. */
export function blobKey(blob: Blob): string {
  return `blobs/sha256/${blob.sha256}`;
}
