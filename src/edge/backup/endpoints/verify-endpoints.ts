import type { BackupFault } from "../ledgers/check-book.ts";
import { names } from "../names.ts";
import { listAccounts, readEndpoints } from "./endpoint-cuts.ts";

/** What was found of webhooks in the bucket. */
export interface VerifiedEndpoints {
  readonly endpoints: number;
  readonly faults: readonly BackupFault[];
  /** The last account that was looked at; null: there is none behind it. */
  readonly next: string | null;
}

/** Reads the last cut of as many accounts as `limit` says, from behind one on, and counts what a restore would find in them. */
export async function verifyEndpoints(
  bucket: R2Bucket,
  after: string,
  limit: number,
): Promise<VerifiedEndpoints> {
  const accounts = await listAccounts(bucket, after, limit);
  const faults: BackupFault[] = [];
  let endpoints = 0;
  for (const account of accounts) {
    const { objects } = await bucket.list({ prefix: names.endpointsOf(account), limit: 1 });
    const [latest] = objects;
    if (latest === undefined) continue;
    const cut = await readEndpoints(bucket, latest.key);
    if ("fault" in cut) faults.push(cut);
    else endpoints += cut.endpoints.length;
  }
  return { endpoints, faults, next: accounts.at(-1) ?? null };
}
