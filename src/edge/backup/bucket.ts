import { sha256Hex } from "#wire/codec/digest.ts";
import { before } from "./names.ts";

/** Where backups lie: a bucket of their own, which nobody but the operator reads. */
export interface BackupBinding {
  readonly BACKUPS: R2Bucket;
}

/** What lies under a name. */
export interface BackupObject {
  readonly text: string;
  /** Hex SHA-256 of its bytes. */
  readonly sha256: string;
}

/** Threat: an object that fills the isolate. The largest that is written here, a part of a table, is some 2 MB. */
const MAX_OBJECT_BYTES = 32 * 1024 * 1024;

/** Writes what is never changed. Returns its digest, or null where something lies there already. */
export async function putOnce(
  bucket: R2Bucket,
  name: string,
  text: string,
): Promise<string | null> {
  const { bytes, sha256 } = await digested(text);
  const onlyIf = new Headers({ "if-none-match": "*" });
  const written = await bucket.put(name, bytes, { onlyIf, sha256, httpMetadata: JSON_TYPE });
  return written === null ? null : sha256;
}

/** Writes, over what lay there. Returns its digest. */
export async function putOver(bucket: R2Bucket, name: string, text: string): Promise<string> {
  const { bytes, sha256 } = await digested(text);
  await bucket.put(name, bytes, { sha256, httpMetadata: JSON_TYPE });
  return sha256;
}

/** Reads an object; undefined where there is none, or one that was never written here. */
export async function read(bucket: R2Bucket, name: string): Promise<BackupObject | undefined> {
  const object = await bucket.get(name);
  if (object === null) return undefined;
  if (object.size > MAX_OBJECT_BYTES) {
    await object.body.cancel();
    return undefined;
  }
  const bytes = new Uint8Array(await object.arrayBuffer());
  return { text: new TextDecoder().decode(bytes), sha256: await sha256Hex(bytes) };
}

/** Name of the last of what was written below `prefix` at a time, in milliseconds since 1970, or before it. */
export async function nameAt(
  bucket: R2Bucket,
  prefix: string,
  at: number,
): Promise<string | undefined> {
  // Behind every name of a later moment, and before those of this one.
  const startAfter = before(prefix, at);
  const { objects } = await bucket.list({ prefix, startAfter, limit: 1 });
  return objects[0]?.key;
}

/** Names of the folders right below `prefix`, which ends with a slash, from behind one on. */
export async function foldersBelow(
  bucket: R2Bucket,
  prefix: string,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const { delimitedPrefixes } = await bucket.list({
    prefix,
    delimiter: "/",
    limit,
    // Behind everything in that folder: no name goes on with what comes after a slash.
    ...(after === "" ? {} : { startAfter: `${prefix}${after}0` }),
  });
  return delimitedPrefixes.map((folder) => folder.slice(prefix.length, -1));
}

/** Digest of a text, as an object that holds it has it. */
export async function digestOf(text: string): Promise<string> {
  return (await digested(text)).sha256;
}

const JSON_TYPE = { contentType: "application/json" } as const;

async function digested(
  text: string,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: string }> {
  const bytes = new Uint8Array(new TextEncoder().encode(text));
  return { bytes, sha256: await sha256Hex(bytes) };
}
