import { foldersBelow, nameAt, read } from "../bucket.ts";
import { type Cut, storedCut } from "../formats.ts";
import { names } from "../names.ts";

/** Reads a cut by its name; undefined where there is none. */
export async function readCut(bucket: R2Bucket, name: string): Promise<Cut | undefined> {
  const object = await read(bucket, name);
  return object === undefined ? undefined : storedCut.read(object.text);
}

/** Name of the last cut of a ledger at a time, in milliseconds since 1970, or before it. */
export async function nameOfCutAt(
  bucket: R2Bucket,
  book: string,
  at: number,
): Promise<string | undefined> {
  return await nameAt(bucket, names.cuts(book), at);
}

/** The last cut of a ledger; undefined where there is none. */
export async function latestCut(bucket: R2Bucket, book: string): Promise<Cut | undefined> {
  const { objects } = await bucket.list({ prefix: names.cuts(book), limit: 1 });
  const [latest] = objects;
  return latest === undefined ? undefined : await readCut(bucket, latest.key);
}

/** Books that have a cut, by id, from behind one on. */
export async function listBooks(
  bucket: R2Bucket,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  return await foldersBelow(bucket, names.allCuts, after, limit);
}
