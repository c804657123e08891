import { sha256Hex } from "#wire/codec/digest.ts";
import { BackupState } from "./backup-state.ts";
import { type BackupBinding, digestOf, putOver } from "./bucket.ts";
import type { Manifest } from "./formats.ts";
import { before, momentOf, names, timelineOf } from "./names.ts";
import { readManifest } from "./tables/export-tables.ts";

/** Threat: a run that the platform ends. R2 deletes as many keys in one call. */
const DELETED_AT_ONCE = 1_000;

/** Snapshots whose parts are looked at in one run. */
const MANIFESTS_AT_ONCE = 20;

/**
 * Takes out of the backups what may be personal of a ledger, and notes that the account was erased, so that no restore brings it back:
 * snapshots of the tables of before are deleted when they are old enough, and are read anew from now on. May be repeated. `book`: the
 * id of its ledger object, whose lines stay: nothing in them tells whose they are.
 */
export async function forgetInBackups(
  env: BackupBinding & { readonly DB: D1Database },
  {
    accountId,
    book,
    now,
  }: { readonly accountId: string; readonly book: string; readonly now: number },
): Promise<void> {
  await putOver(
    env.BACKUPS,
    names.erased(await erasedName(accountId)),
    JSON.stringify({ at: now }),
  );
  const endpoints = names.endpointsOf(await digestOf(accountId));
  for (const prefix of [names.detailsOf(book), names.cuts(book), endpoints])
    while ((await deleteListed(env.BACKUPS, prefix, () => true)) > 0);
  await new BackupState(env.DB).note({ freshFrom: now });
  await env.DB.prepare("DELETE FROM ledger_exports WHERE account_id = ?").bind(accountId).run();
}

/** What an erased account's marker is called. */
export async function erasedName(accountId: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(accountId)));
}

/** Deletes details and cuts of a ledger that are older than `until`, but the last cut before it: a restore needs that. */
export async function pruneBook(bucket: R2Bucket, book: string, until: number): Promise<void> {
  const prefix = names.cuts(book);
  const { objects } = await bucket.list({
    prefix,
    startAfter: before(prefix, until),
    limit: DELETED_AT_ONCE,
  });
  const old = objects.slice(1).map(({ key }) => key);
  if (old.length > 0) await bucket.delete(old);
  await deleteListed(bucket, names.detailsOf(book), ({ uploaded }) => uploaded.getTime() < until);
}

/** Deletes snapshots of the tables that are older than `until`, the oldest first, but for the last that is complete. */
export async function pruneTables(bucket: R2Bucket, until: number): Promise<void> {
  const manifests: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({
      prefix: names.manifests,
      ...(cursor === undefined ? {} : { cursor }),
    });
    manifests.push(...page.objects.map(({ key }) => key));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  // Newest first: the last ones go, each before the one that may have taken parts over from it.
  const old = manifests.filter((name, index) => index > 0 && momentOf(name) < until);
  for (const name of old.toReversed().slice(0, MANIFESTS_AT_ONCE)) {
    const next = manifests[manifests.indexOf(name) - 1] ?? "";
    const taken = new Set(partsOf(await readManifest(bucket, next)));
    const parts = partsOf(await readManifest(bucket, name)).filter((part) => !taken.has(part));
    for (let start = 0; start < parts.length; start += DELETED_AT_ONCE)
      await bucket.delete(parts.slice(start, start + DELETED_AT_ONCE));
    await bucket.delete(name);
  }
}

/** Number of the next timeline of a book. */
export async function nextTimeline(bucket: R2Bucket, book: string): Promise<number> {
  const prefix = names.segments(book);
  const { delimitedPrefixes } = await bucket.list({ prefix, delimiter: "/" });
  return Math.max(-1, ...delimitedPrefixes.map(timelineOf)) + 1;
}

function partsOf(manifest: Manifest | undefined): readonly string[] {
  return (manifest?.tables ?? []).flatMap(({ parts }) => parts.map(({ name }) => name));
}

async function deleteListed(
  bucket: R2Bucket,
  prefix: string,
  isOld: (object: R2Object) => boolean,
): Promise<number> {
  const { objects } = await bucket.list({ prefix, limit: DELETED_AT_ONCE });
  const keys = objects.filter(isOld).map(({ key }) => key);
  if (keys.length > 0) await bucket.delete(keys);
  return keys.length;
}
