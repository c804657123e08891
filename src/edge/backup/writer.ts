import type { BackupState } from "./backup-state.ts";
import { putOnce, putOver, read } from "./bucket.ts";
import { names } from "./names.ts";

/**
 * Whether this environment may write to the bucket. It claims one that nobody has; one that another environment wrote to is left alone:
 * its last snapshot must not be followed by one of an empty database, made by whoever was set up in its place and not restored yet.
 */
export async function mayWrite(bucket: R2Bucket, state: BackupState): Promise<boolean> {
  const own = await state.writer();
  const theirs = await read(bucket, names.writer);
  if (theirs !== undefined) return own !== undefined && theirs.text === own;
  const fresh = own ?? crypto.randomUUID();
  if ((await putOnce(bucket, names.writer, fresh)) === null) return false;
  if (own === undefined) await state.keepWriter(fresh);
  return true;
}

/** Makes this environment the one that writes to the bucket; whichever did stops with its next run. */
export async function takeOver(bucket: R2Bucket, state: BackupState): Promise<void> {
  const fresh = crypto.randomUUID();
  await state.keepWriter(fresh);
  await putOver(bucket, names.writer, fresh);
}
