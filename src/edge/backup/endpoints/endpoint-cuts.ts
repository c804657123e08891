import { StoredJsonError } from "../../storage/stored-json.ts";
import { digestOf, foldersBelow, read } from "../bucket.ts";
import type { BackupFault } from "../ledgers/check-book.ts";
import { names } from "../names.ts";
import { type EndpointsCut, storedEndpoints } from "./endpoints-format.ts";

/** Accounts that have webhooks in the bucket, by the SHA-256 of their ids, from behind one on. */
export async function listAccounts(
  bucket: R2Bucket,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  return await foldersBelow(bucket, names.allEndpoints, after, limit);
}

/** Reads a cut, or says what is wrong with it; one that names another account than the one that it lies with is no cut of ours. */
export async function readEndpoints(
  bucket: R2Bucket,
  name: string,
): Promise<EndpointsCut | BackupFault> {
  const object = await read(bucket, name);
  if (object === undefined) return { name, fault: "missing" };
  const cut = parse(object.text);
  const isOurs =
    cut !== undefined && name.startsWith(names.endpointsOf(await digestOf(cut.account)));
  return isOurs ? cut : { name, fault: "altered" };
}

function parse(text: string): EndpointsCut | undefined {
  try {
    return storedEndpoints.read(text);
  } catch (cause) {
    if (cause instanceof StoredJsonError) return undefined;
    throw cause;
  }
}
