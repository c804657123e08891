import * as z from "zod";
import { sha256Hex } from "#wire/codec/digest.ts";
import { MAX_BUNDLE_MANIFEST_BYTES } from "#wire/limits.ts";

/** A model's bundle as it lies in the bucket: which version is the current one. */
export interface CurrentBundle {
  readonly version: string;
  /** Hex SHA-256 of its manifest. */
  readonly digest: string;
}

/** A version of a bundle: its manifest, and the sizes of all that belongs to it. */
export interface BundleVersion {
  /** Hex SHA-256 of the manifest. */
  readonly digest: string;
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** Bytes of every shard and file, by its hex SHA-256. */
  readonly blobs: ReadonlyMap<string, number>;
}

/** What can be a model's name or version in a key of the bucket: no slash, no dot in front, so that none leads out of its folder. */
const KEY_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const SHA256 = /^[0-9a-f]{64}$/;

const digest = z.string().regex(SHA256);

const currentSchema: z.ZodType<CurrentBundle> = z.object({
  version: z.string().regex(KEY_PART),
  digest,
});

const blob = z.object({ sha256: digest, bytes: z.int().nonnegative() });

/** Of a manifest what says which blobs belong to it; the rest is for who loads it. */
const manifestSchema = z.object({
  stages: z.array(z.object({ shards: z.array(blob) })),
  files: z.record(z.string(), blob),
});

/** Threat: an isolate's memory. A manifest of 8B has 100 KB; who asks for others reads them again. */
const MAX_KEPT_VERSIONS = 4;

/** Reads the bundles of a bucket, below a prefix that is empty or ends with a slash. */
export class BundleFiles {
  readonly #bucket: R2Bucket;
  readonly #prefix: string;
  readonly #kept = new Map<string, BundleVersion>();

  constructor(bucket: R2Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  /** Which version of a model is the current one; undefined where the bucket does not have it, or says nothing that makes sense. */
  async current(model: string): Promise<CurrentBundle | undefined> {
    if (!KEY_PART.test(model)) return undefined;
    const bytes = await this.#read(`models/${model}/latest.json`);
    return bytes === undefined ? undefined : currentSchema.safeParse(parsed(bytes)).data;
  }

  /** A version; undefined where the bucket does not have it whole. What was read once is remembered: a version never changes. */
  async version(model: string, version: string): Promise<BundleVersion | undefined> {
    if (!KEY_PART.test(model) || !KEY_PART.test(version)) return undefined;
    const key = `models/${model}/${version}/manifest.json`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const manifest = await this.#read(key);
    const contents = manifest && manifestSchema.safeParse(parsed(manifest)).data;
    if (manifest === undefined || contents === undefined) return undefined;
    const { stages, files } = contents;
    const blobs = [...stages.flatMap(({ shards }) => shards), ...Object.values(files)];
    const read: BundleVersion = {
      digest: await sha256Hex(manifest),
      manifest,
      blobs: new Map(blobs.map(({ sha256, bytes }) => [sha256, bytes])),
    };
    this.#kept.set(key, read);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT_VERSIONS && oldest !== undefined) this.#kept.delete(oldest);
    return read;
  }

  /** Opens a part of a blob, named by its hex SHA-256; undefined where it is not there in this size. */
  async open(
    sha256: string,
    size: number,
    part: { readonly offset: number; readonly bytes: number },
  ): Promise<ReadableStream | undefined> {
    const range = { offset: part.offset, length: part.bytes };
    const object = await this.#bucket.get(`${this.#prefix}blobs/sha256/${sha256}`, { range });
    if (object !== null && object.size === size) return object.body;
    await object?.body.cancel();
    return undefined;
  }

  async #read(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const object = await this.#bucket.get(`${this.#prefix}${key}`);
    if (object !== null && object.size <= MAX_BUNDLE_MANIFEST_BYTES)
      return new Uint8Array(await object.arrayBuffer());
    await object?.body.cancel();
    return undefined;
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
