import type { RefundEvent } from "#wire/function/usage-event.ts";
import type {
  ExportedLine,
  LedgerBackup,
  LedgerOrigin,
  RestoreRefusal,
} from "../../ledger/backup/ledger-backup.ts";
import { type LedgerBinding, ledgerBackupOf } from "../../ledger/ledger-client.ts";
import { UsageIndex } from "../../usage/usage-index.ts";
import { type BackupBinding, read } from "../bucket.ts";
import type { EndpointsBinding } from "../endpoints/restore-endpoints.ts";
import { nextTimeline } from "../forgetting.ts";
import { type Checkpoint, type Cut, type Details, storedDetails } from "../formats.ts";
import { type BackupFault, beginningOf, checkBook } from "../ledgers/check-book.ts";
import { LedgerExports } from "../ledgers/ledger-exports.ts";
import { names } from "../names.ts";

/** Where everything is restored to. */
export interface RestoreBindings extends BackupBinding, EndpointsBinding, LedgerBinding {
  readonly DB: D1Database;
}

/**
 * What was charged so long before a cut may not be in the snapshot of the tables, or be asked for again with its Idempotency-Key: a
 * reply is kept for 24 hours, and an hour is for whatever the queue and the snapshot were late.
 */
const RECENT_MS = 25 * 3_600_000;

/** What became of one call. */
export interface RestoredLedger {
  readonly segments: number;
  readonly lines: number;
  /** How far it came; null where it is over. */
  readonly point: Checkpoint | null;
  /** `restored` · `before`: an earlier call had · `not_empty`: the ledger has lines of its own · a fault of what lies in the bucket. */
  readonly outcome: "restored" | "before" | "not_empty" | BackupFault | null;
}

/** Restores a ledger to a cut, `segments` of it at most, from where an earlier call came to. */
export async function restoreLedger(
  env: RestoreBindings,
  cut: Cut,
  from: Checkpoint | null,
  segments: number,
): Promise<RestoredLedger> {
  const bucket = env.BACKUPS;
  const ledger = ledgerBackupOf(env, cut.account);
  const { place, checkpoint: end } = cut;
  const origin: LedgerOrigin = {
    book: place.book,
    timeline: await nextTimeline(bucket, place.book),
    forks: [...place.forks, { timeline: place.timeline, to: end.seq }],
    cut: names.cut(place.book, cut.at),
  };
  const over = (outcome: RestoredLedger["outcome"], lines = 0, read = 0): RestoredLedger => ({
    ...{ segments: read, lines, point: null, outcome },
  });
  const begun = await ledger.restoreLines(origin, [], { replies: [], refunds: [] });
  if (!begun.ok)
    return over(begun.refusal === "not_empty" ? "not_empty" : faultOf(begun.refusal, origin));
  if (begun.value.isWhole) return over("before");
  const start = from ?? beginningOf(cut);
  let refusal: RestoreRefusal | null = null;
  const checked = await checkBook(bucket, cut, start, segments, async (segment) => {
    if (refusal !== null) return;
    const isRecent = segment.exportedAt >= cut.at - RECENT_MS;
    const details = isRecent
      ? await readDetails(bucket, segment.book, segment.timeline, segment.from)
      : NO_DETAILS;
    refusal = await writeSegment(env, ledger, origin, {
      cut,
      isRecent,
      lines: segment.lines,
      details,
    });
  });
  if (refusal !== null) return over(faultOf(refusal, origin), 0, checked.segments);
  const lines = checked.point.seq - start.seq;
  if (checked.fault !== null) return over(checked.fault, lines, checked.segments);
  if (!checked.isEnd)
    return { segments: checked.segments, lines, point: checked.point, outcome: null };
  const ended = await ledger.restoreRest(origin, cut.rest);
  if (!ended.ok) return over(faultOf(ended.refusal, origin), lines, checked.segments);
  await new LedgerExports(env.DB).keep(
    {
      accountId: cut.account,
      checkpoint: { ...end, timeline: origin.timeline },
      restSha256: null,
    },
    cut.at,
  );
  return over("restored", lines, checked.segments);
}

interface Batch {
  readonly cut: Cut;
  readonly isRecent: boolean;
  readonly lines: readonly ExportedLine[];
  readonly details: Details;
}

async function writeSegment(
  env: RestoreBindings,
  ledger: LedgerBackup,
  origin: LedgerOrigin,
  { cut, isRecent, lines, details }: Batch,
): Promise<RestoreRefusal | null> {
  const refunds = isRecent ? refundsAmong(cut.account, lines) : [];
  const written = await ledger.restoreLines(origin, lines, { replies: details.replies, refunds });
  if (!written.ok) return written.refusal;
  const copies = new UsageIndex(env.DB).copies(details.charges);
  if (copies.length > 0) await env.DB.batch([...copies]);
  return null;
}

/** Their usage is lowered by the queue, once the usage of their charges is there. */
function refundsAmong(account: string, lines: readonly ExportedLine[]): readonly RefundEvent[] {
  return lines.flatMap(({ kind, holdId, reference, amount, at }) =>
    kind === "refund" && holdId !== null && reference !== null
      ? [{ id: `${account} ${reference}`, account, refund_of: holdId, micros: amount, at }]
      : [],
  );
}

const NO_DETAILS: Details = { charges: [], replies: [] };

async function readDetails(
  bucket: R2Bucket,
  book: string,
  timeline: number,
  from: number,
): Promise<Details> {
  const object = await read(bucket, names.details(book, timeline, from));
  return object === undefined ? NO_DETAILS : storedDetails.read(object.text);
}

function faultOf(refusal: RestoreRefusal, { cut }: LedgerOrigin): BackupFault {
  return { name: cut, fault: refusal === "not_bookable" ? "not_bookable" : "balances_differ" };
}
