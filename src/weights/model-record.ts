import * as z from "zod";
import { bundleFormats, q4Blocks } from "#domain/bundle.ts";
import type { StorageForm } from "./format-choice.ts";
import { MAX_NAME_LENGTH } from "./limits.ts";
import { isBundleName } from "./manifest.ts";

/** What is remembered of a model that was converted, beside its bundle: what it came of, so that it is found again. */
export interface ModelRecord {
  readonly recordVersion: 1;
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the manifest. */
  readonly digest: string;
  readonly form: StorageForm;
  /** Of the bundle, with its files. */
  readonly bytes: number;
  /** Where it came from, for people: `GSAI-ML/LLaDA-V@<commit>`, a folder. */
  readonly source: string;
  /** What was asked for when this was the answer. */
  readonly asked: readonly Asked[];
  /** When it was finished; ISO 8601. */
  readonly finishedAt: string;
}

/** A revision of a hub, which may be another commit by now, or a folder in a state. */
export interface Asked {
  /** `GSAI-ML/LLaDA-V@main`, `/models/LLaDA-V#0123456789abcdef`. */
  readonly what: string;
  /** When; ISO 8601. */
  readonly at: string;
}

/** Longest text of a source: a path, or a repository and its revision. */
const MAX_SOURCE_LENGTH = 4096;

/** What is remembered of one model; the oldest are forgotten, which costs a question to the hub or a look at the files. */
export const MAX_ASKED = 16;

const name = z.string().max(MAX_NAME_LENGTH).refine(isBundleName);

const recordSchema: z.ZodType<ModelRecord> = z.object({
  recordVersion: z.literal(1),
  name,
  version: name,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  form: z.object({ format: z.enum(bundleFormats), block: z.literal(q4Blocks).exactOptional() }),
  bytes: z.number().int().min(0),
  source: z.string().max(MAX_SOURCE_LENGTH),
  asked: z
    .array(z.object({ what: z.string().max(MAX_SOURCE_LENGTH), at: z.iso.datetime() }))
    .max(MAX_ASKED)
    .readonly(),
  finishedAt: z.iso.datetime(),
});

/** Reads a record; undefined for one that cannot be understood, for instance a later version's: it only saves time. */
export function parseRecord(text: string): ModelRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return undefined;
  }
}
