import { read } from "../bucket.ts";
import { type Cut, storedCut } from "../formats.ts";
import { before, names } from "../names.ts";

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
  const prefix = names.cuts(book);
  // Behind every name of a later moment, and before those of this one.
  const startAfter = before(prefix, at);
  const { objects } = await bucket.list({ prefix, startAfter, limit: 1 });
  return objects[0]?.key;
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
  const { delimitedPrefixes } = await bucket.list({
    prefix: names.allCuts,
    delimiter: "/",
    limit,
    // Behind everything of that book: no name goes on with what comes after a slash.
    ...(after === "" ? {} : { startAfter: `${names.cuts(after).slice(0, -1)}0` }),
  });
  return delimitedPrefixes.map((prefix) => prefix.slice(names.allCuts.length, -1));
}
