import { read } from "./bucket.ts";
import { verifyEndpoints } from "./endpoints/verify-endpoints.ts";
import type { Checkpoint } from "./formats.ts";
import { type BackupFault, beginningOf, checkBook } from "./ledgers/check-book.ts";
import { latestCut, listBooks } from "./ledgers/cuts.ts";
import { names } from "./names.ts";
import { readManifest } from "./tables/export-tables.ts";

/** Threat: a request that the platform ends. 100 objects are some 40 MB. */
const OBJECTS_AT_ONCE = 100;

/** Where verifying goes on. */
export interface VerifyPlace {
  /** Book behind which; with `point`, the one that is under way. */
  readonly book: string;
  readonly point: Checkpoint | null;
  /** Parts of the last snapshot that have been looked at, behind all books; null before those are done. */
  readonly parts: number | null;
  /** Account behind which webhook endpoints are looked at, last of all; null before that. */
  readonly endpoints: string | null;
}

export interface Verified {
  /** Ledgers that were booked again to their end. */
  readonly ledgers: number;
  readonly segments: number;
  readonly lines: number;
  /** Parts of the tables' last snapshot that are as they were written. */
  readonly parts: number;
  /** Webhook endpoints that a restore would find. */
  readonly endpoints: number;
  readonly faults: readonly BackupFault[];
  /** Null: that was all. */
  readonly next: VerifyPlace | null;
}

export const VERIFY_FROM: VerifyPlace = { book: "", point: null, parts: null, endpoints: null };

/**
 * Books every ledger that the bucket holds again from zero, up to its last cut, and holds the parts of the last snapshot of the tables
 * against their digests, and reads where accounts want to be told; a part of it with each call. Reads the bucket alone, and changes
 * nothing.
 */
export async function verifyBackups(bucket: R2Bucket, place: VerifyPlace): Promise<Verified> {
  if (place.endpoints !== null) {
    const { endpoints, faults, next } = await verifyEndpoints(
      bucket,
      place.endpoints,
      OBJECTS_AT_ONCE,
    );
    const goesOn = next === null ? null : { ...place, endpoints: next };
    return { ...NOTHING_YET, endpoints, faults, next: goesOn };
  }
  let { book, point, parts } = place;
  let told = NOTHING_YET;
  let left = OBJECTS_AT_ONCE;
  while (parts === null && left > 0) {
    const current = point === null ? (await listBooks(bucket, book, 1))[0] : book;
    if (current === undefined) {
      parts = 0;
      break;
    }
    const cut = await latestCut(bucket, current);
    book = current;
    if (cut === undefined) {
      point = null;
      continue;
    }
    const from = point ?? beginningOf(cut);
    const checked = await checkBook(bucket, cut, from, left);
    left -= checked.segments + 1;
    told = {
      ...told,
      ledgers: told.ledgers + (checked.isEnd ? 1 : 0),
      segments: told.segments + checked.segments,
      lines: told.lines + checked.point.seq - from.seq,
      faults: checked.fault === null ? told.faults : [...told.faults, checked.fault],
    };
    point = checked.isEnd ? null : checked.point;
  }
  if (parts === null || left <= 0)
    return { ...told, next: { book, point, parts, endpoints: null } };
  const tables = await verifyTables(bucket, parts, left);
  const faults = [...told.faults, ...tables.faults];
  const endpoints = tables.isEnd ? "" : null;
  const next = { book, point, parts: parts + tables.parts, endpoints };
  return { ...told, parts: tables.parts - tables.faults.length, faults, next };
}

const NOTHING_YET: Omit<Verified, "next"> = {
  ledgers: 0,
  segments: 0,
  lines: 0,
  parts: 0,
  endpoints: 0,
  faults: [],
};

async function verifyTables(
  bucket: R2Bucket,
  after: number,
  count: number,
): Promise<{
  readonly parts: number;
  readonly faults: readonly BackupFault[];
  readonly isEnd: boolean;
}> {
  const { objects } = await bucket.list({ prefix: names.manifests, limit: 1 });
  const manifest =
    objects[0] === undefined ? undefined : await readManifest(bucket, objects[0].key);
  const all = (manifest?.tables ?? []).flatMap(({ parts }) => parts);
  const looked = all.slice(after, after + count);
  const faults: BackupFault[] = [];
  for (const { name, sha256 } of looked) {
    const object = await read(bucket, name);
    if (object === undefined) faults.push({ name, fault: "missing" });
    else if (object.sha256 !== sha256) faults.push({ name, fault: "altered" });
  }
  return { parts: looked.length, faults, isEnd: after + looked.length >= all.length };
}
