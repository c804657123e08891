import type { EndpointsBackup } from "../../webhooks/endpoints-backup.ts";
import { digestOf, putOver, read } from "../bucket.ts";
import { momentOf, names } from "../names.ts";
import { storedEndpoints } from "./endpoints-format.ts";

/** Threat: a run that the platform ends. R2 lists and deletes as many at once; what is beyond goes with a later run. */
const CUTS_AT_ONCE = 1_000;

export interface EndpointsParts {
  readonly bucket: R2Bucket;
  readonly endpointsOf: (accountId: string) => Pick<EndpointsBackup, "exportEndpoints">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Writes where an account wants to be told, if that is not what was last written, and deletes what was written before `until` but the
 * last of it: a restore needs that. Says whether it wrote. What was last written is looked up in the bucket, so that nothing else has
 * to know.
 */
export async function exportEndpoints(
  { bucket, endpointsOf, now }: EndpointsParts,
  accountId: string,
  until: number,
): Promise<boolean> {
  const prefix = names.endpointsOf(await digestOf(accountId));
  const { objects } = await bucket.list({ prefix, limit: CUTS_AT_ONCE });
  const kept = objects.map(({ key }) => key);
  const at = now();
  const saved = await endpointsOf(accountId).exportEndpoints();
  const text = storedEndpoints.write({ account: accountId, ...saved });
  const isWritten = await differs(
    bucket,
    kept[0],
    text,
    saved.endpoints.length > 0 || saved.secrets !== null,
  );
  if (isWritten) {
    const name = names.endpointsAt(prefix, at);
    await putOver(bucket, name, text);
    kept.unshift(name);
  }
  const last = kept.findIndex((name) => momentOf(name) < until);
  const old = last === -1 ? [] : kept.slice(last + 1);
  if (old.length > 0) await bucket.delete(old);
  return isWritten;
}

/** Most accounts have no webhooks and leave nothing behind; who has none any more leaves that. */
async function differs(
  bucket: R2Bucket,
  latest: string | undefined,
  text: string,
  hasAny: boolean,
): Promise<boolean> {
  if (latest === undefined) return hasAny;
  return (await read(bucket, latest))?.text !== text;
}
