import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { hearAgain } from "../../payments/book.ts";
import { PaymentTable } from "../../payments/payment-store.ts";
import { BackupState } from "../backup-state.ts";
import { restoreEndpoints } from "../endpoints/restore-endpoints.ts";
import type { Checkpoint, Manifest } from "../formats.ts";
import type { BackupFault } from "../ledgers/check-book.ts";
import { listBooks, nameOfCutAt, readCut } from "../ledgers/cuts.ts";
import { before, momentOf, names } from "../names.ts";
import { readManifest } from "../tables/export-tables.ts";
import { takeOver } from "../writer.ts";
import { type RestoreBindings, restoreLedger } from "./restore-ledger.ts";
import { ErasedAccounts, partsInOrder, restorePart } from "./restore-tables.ts";

/** Threat: a call that the platform ends. A segment is some 400 KB, and each is a call of its ledger. */
const SEGMENTS_AT_ONCE = 40;
const PARTS_AT_ONCE = 10;
const EVENTS_AT_ONCE = 100;
const BOOKS_AT_ONCE = 100;

/** Snapshots that are looked at for one that was complete at the time: one is read in minutes, and one begins every quarter of an hour. */
const MANIFESTS_LOOKED_AT = 10;

/** Where a restore goes on. */
export interface RestorePlace {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The snapshot of the tables. */
  readonly manifest: string;
  readonly phase: "webhooks" | "ledgers" | "tables" | "payments" | "events";
  /** `webhooks`: account behind which, by SHA-256 · `ledgers`, `payments`: book behind which; with `point`, the one under way. */
  readonly book: string;
  readonly point: Checkpoint | null;
  /** `tables`: parts that are done · `events`: place of the last one. */
  readonly done: number;
}

/** What one call did. */
export interface Restored {
  /** When the snapshot was begun that the tables are of, in milliseconds since 1970. */
  readonly tablesAt: number;
  /** Ledgers that were restored to their end. */
  readonly ledgers: number;
  readonly lines: number;
  /** Rows of the tables that were written: those that were there are not. */
  readonly rows: number;
  /** Webhook endpoints that were written: those that were there are not. */
  readonly endpoints: number;
  /** Of these ledgers, parts or accounts' webhooks nothing more was restored. */
  readonly faults: readonly BackupFault[];
  /** Null: that was all. */
  readonly next: RestorePlace | null;
}

/** Finds what a point in time can be restored from. Refuses where there is nothing. */
export async function placeOfRestore(
  bucket: R2Bucket,
  at: number,
): Promise<Result<RestorePlace, Failure>> {
  const prefix = names.manifests;
  const { objects } = await bucket.list({
    prefix,
    startAfter: before(prefix, at),
    limit: MANIFESTS_LOOKED_AT,
  });
  for (const { key } of objects) {
    const manifest = await readManifest(bucket, key);
    if (manifest !== undefined && manifest.endedAt <= at)
      return ok({ at, manifest: key, phase: "webhooks", book: "", point: null, done: 0 });
  }
  const { objects: all } = await bucket.list({ prefix, limit: 1 });
  const latest = all[0]?.key;
  const message =
    latest === undefined
      ? "the bucket holds no snapshot of the tables"
      : `no snapshot of the tables was complete then; the last is of ${new Date(momentOf(latest)).toISOString()}`;
  return refuse({ kind: "invalid_request", problems: [{ pointer: "/at", message }] });
}

/**
 * Restores a part of everything: first where accounts want to be told, so that what waits to be told is; then the ledgers, each to its
 * last cut at the time or before it, then the tables, the keys last, so that nobody asks before all is there. May be repeated, and goes
 * on where an earlier call was broken off. Refuses with `already_exists` where an account has a ledger or webhooks of its own: what is
 * there is never written over.
 */
export async function restoreOn(
  env: RestoreBindings,
  place: RestorePlace,
  takesOver: boolean,
): Promise<Result<Restored, Failure>> {
  const manifest = await readManifest(env.BACKUPS, place.manifest);
  if (manifest === undefined)
    return refuse({
      kind: "invalid_request",
      problems: [
        { pointer: "/cursor", message: "its snapshot of the tables is not there any more" },
      ],
    });
  const erased = await ErasedAccounts.read(env.BACKUPS);
  const sums = { ledgers: 0, lines: 0, rows: 0, endpoints: 0, faults: [] };
  const nothing = { tablesAt: manifest.startedAt, ...sums };
  switch (place.phase) {
    case "webhooks":
      return await restoreWebhooks(env, place, nothing, erased);
    case "ledgers":
      return await restoreLedgers(env, place, nothing, erased);
    case "tables":
      return ok(await restoreTables(env, place, { manifest, nothing, erased }));
    case "payments":
      return ok({ ...nothing, next: await claimPayments(env, place, erased) });
    case "events": {
      const done = await hearAgain(env, place.done, EVENTS_AT_ONCE);
      if (done !== null) return ok({ ...nothing, next: { ...place, done } });
      if (takesOver) await takeOver(env.BACKUPS, new BackupState(env.DB));
      return ok({ ...nothing, next: null });
    }
    default:
      return place.phase satisfies never;
  }
}

type Sums = Omit<Restored, "next">;

async function restoreWebhooks(
  env: RestoreBindings,
  place: RestorePlace,
  nothing: Sums,
  erased: ErasedAccounts,
): Promise<Result<Restored, Failure>> {
  const restored = await restoreEndpoints(env, { after: place.book, at: place.at, erased });
  if (!restored.ok) return restored;
  const { endpoints, faults, next: last } = restored.value;
  const next: RestorePlace =
    last === null ? { ...place, phase: "ledgers", book: "" } : { ...place, book: last };
  return ok({ ...nothing, endpoints, faults, next });
}

async function restoreLedgers(
  env: RestoreBindings,
  place: RestorePlace,
  nothing: Sums,
  erased: ErasedAccounts,
): Promise<Result<Restored, Failure>> {
  let sums = nothing;
  let { book, point } = place;
  let left = SEGMENTS_AT_ONCE;
  for (let turn = 0; turn < BOOKS_AT_ONCE && left > 0; turn += 1) {
    const current = point === null ? (await listBooks(env.BACKUPS, book, 1))[0] : book;
    if (current === undefined)
      return ok({ ...sums, next: { ...place, phase: "tables", book: "", point: null, done: 0 } });
    book = current;
    const name = await nameOfCutAt(env.BACKUPS, book, place.at);
    const cut = name === undefined ? undefined : await readCut(env.BACKUPS, name);
    if (cut === undefined || (await erased.has(cut.account))) {
      point = null;
      continue;
    }
    const restored = await restoreLedger(env, cut, point, left);
    if (restored.outcome === "not_empty")
      return refuse({ kind: "already_exists", id: cut.account });
    left -= restored.segments + 1;
    point = restored.point;
    const { outcome } = restored;
    sums = {
      ...sums,
      ledgers: sums.ledgers + (outcome === "restored" ? 1 : 0),
      lines: sums.lines + restored.lines,
      faults:
        typeof outcome === "object" && outcome !== null ? [...sums.faults, outcome] : sums.faults,
    };
  }
  return ok({ ...sums, next: { ...place, book, point } });
}

async function restoreTables(
  env: RestoreBindings,
  place: RestorePlace,
  {
    manifest,
    nothing,
    erased,
  }: { readonly manifest: Manifest; readonly nothing: Sums; readonly erased: ErasedAccounts },
): Promise<Restored> {
  const all = partsInOrder(manifest);
  let { rows } = nothing;
  const faults: BackupFault[] = [];
  for (const part of all.slice(place.done, place.done + PARTS_AT_ONCE)) {
    const restored = await restorePart({ bucket: env.BACKUPS, db: env.DB, erased }, part);
    if (typeof restored === "number") rows += restored;
    else faults.push(restored);
  }
  const done = place.done + PARTS_AT_ONCE;
  const next: RestorePlace =
    done < all.length ? { ...place, done } : { ...place, phase: "payments", book: "", done: 0 };
  return { ...nothing, rows, faults, next };
}

/** Says whose the payments are that ledgers have heard of and the snapshot has not. */
async function claimPayments(
  env: RestoreBindings,
  place: RestorePlace,
  erased: ErasedAccounts,
): Promise<RestorePlace> {
  const books = await listBooks(env.BACKUPS, place.book, BOOKS_AT_ONCE);
  for (const book of books) {
    const name = await nameOfCutAt(env.BACKUPS, book, place.at);
    const cut = name === undefined ? undefined : await readCut(env.BACKUPS, name);
    if (cut === undefined || cut.rest.payments.length === 0 || (await erased.has(cut.account)))
      continue;
    const ids = cut.rest.payments.map(({ id }) => id);
    await new PaymentTable(env.DB).claimAll(ids, cut.account);
  }
  const last = books.at(-1);
  return last === undefined || books.length < BOOKS_AT_ONCE
    ? { ...place, phase: "events", book: "", done: 0 }
    : { ...place, book: last };
}
