import type { LedgerBackup, LedgerExport } from "../../ledger/backup/ledger-backup.ts";
import { MAX_EXPORTED_LINES } from "../../ledger/backup/read-ledger.ts";
import { digestOf, putOnce, putOver, read } from "../bucket.ts";
import {
  type Checkpoint,
  type Cut,
  type Segment,
  storedCut,
  storedDetails,
  storedSegment,
} from "../formats.ts";
import { names } from "../names.ts";
import { agrees, bookedOn, unbooked } from "./booking.ts";
import { latestCut, readCut } from "./cuts.ts";
import type { LedgerExports, LedgerProgress } from "./ledger-exports.ts";

/**
 * Threat: one busy ledger that keeps all others waiting. 20 segments of 2,000 lines are what an account books in five minutes that is
 * asked 66 times a second; what is beyond comes with the next run.
 */
const SEGMENTS_AT_ONCE = 20;

/** What an export of one ledger is made with. */
export interface ExportParts {
  readonly bucket: R2Bucket;
  readonly exports: LedgerExports;
  readonly ledgerOf: (accountId: string) => Pick<LedgerBackup, "exportLines">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Exported {
  readonly segments: number;
  readonly lines: number;
  /** Whether there are more lines. */
  readonly hasMore: boolean;
}

/** What the backups hold of a ledger, booked again, is not what the ledger says, or cannot be booked. A person has to look. */
export class BackupMismatchError extends Error {
  override readonly name = "BackupMismatchError";
}

/**
 * Writes what a ledger has booked since the last export, books it again behind what was there, and holds it against what the ledger
 * says. May be run twice at the same time and broken off anywhere: a segment is written once, and whoever finds it there goes on from it.
 */
export async function exportLedger(parts: ExportParts, accountId: string): Promise<Exported> {
  const { exports, now } = parts;
  const ledger = parts.ledgerOf(accountId);
  const known = await exports.begin(accountId, now());
  let point = known.checkpoint;
  let written = { segments: 0, lines: 0 };
  for (let turn = 0; turn < SEGMENTS_AT_ONCE; turn += 1) {
    const readAt = now();
    const after = point?.seq ?? 0;
    const told = await ledger.exportLines(after, MAX_EXPORTED_LINES);
    if (point === null || point.book !== told.book || point.timeline !== told.timeline) {
      point = await startOf(parts.bucket, told);
      if (point.seq !== after) continue;
    }
    if (told.lines.length > 0) {
      point = await writeSegment(parts, point, told, readAt);
      written = {
        segments: written.segments + 1,
        lines: written.lines + told.lines.length,
      };
    }
    if (told.rest !== null && told.rest.seq < point.seq)
      throw new BackupMismatchError(
        `the ledger ${told.book} has ${told.rest.seq} lines, and ${point.seq} were exported of it: it has lost some`,
      );
    if (told.rest?.seq !== point.seq) {
      await exports.keep({ ...known, checkpoint: point }, null);
      continue;
    }
    const progress = await writeCut(parts.bucket, { ...known, checkpoint: point }, told, readAt);
    await exports.keep(progress, readAt);
    return { ...written, hasMore: false };
  }
  return { ...written, hasMore: true };
}

/** Where the lines of a ledger go on whose progress is not known in D1, or that was restored: the bucket tells. */
async function startOf(bucket: R2Bucket, told: LedgerExport): Promise<Checkpoint> {
  const latest = await latestCut(bucket, told.book);
  if (latest !== undefined && latest.checkpoint.timeline === told.timeline)
    return latest.checkpoint;
  const restoredFrom = told.cut === null ? undefined : await readCut(bucket, told.cut);
  return restoredFrom === undefined
    ? unbooked(told.book, told.timeline)
    : { ...restoredFrom.checkpoint, timeline: told.timeline };
}

async function writeSegment(
  { bucket }: ExportParts,
  point: Checkpoint,
  { lines, charges, replies }: LedgerExport,
  exportedAt: number,
): Promise<Checkpoint> {
  const { book, timeline, seq, head } = point;
  const to = lines.at(-1)?.seq ?? seq;
  const segment: Segment = { book, timeline, from: seq + 1, to, previous: head, exportedAt, lines };
  const name = names.segment(book, timeline, segment.from);
  // First, so that no segment is without; one that already stands has them from whoever wrote it.
  if (charges.length + replies.length > 0)
    await putOver(
      bucket,
      names.details(book, timeline, segment.from),
      storedDetails.write({ charges, replies }),
    );
  const sha256 = await putOnce(bucket, name, storedSegment.write(segment));
  if (sha256 !== null) return mustBook(point, segment, sha256, name);
  const there = await read(bucket, name);
  if (there === undefined) throw new Error(`${name} is there and cannot be read`);
  const earlier = storedSegment.read(there.text);
  if (earlier.from !== segment.from || earlier.previous !== head)
    throw new BackupMismatchError(`${name} does not follow what lies before it`);
  return mustBook(point, earlier, there.sha256, name);
}

function mustBook(point: Checkpoint, { lines }: Segment, sha256: string, name: string): Checkpoint {
  const booked = bookedOn(point, lines, sha256);
  if (booked.ok) return booked.value;
  const { seq, fault } = booked.refusal;
  throw new BackupMismatchError(`line ${seq} of ${name} cannot be booked again: ${fault}`);
}

async function writeCut(
  bucket: R2Bucket,
  progress: LedgerProgress & { readonly checkpoint: Checkpoint },
  { book, timeline, forks, cut, rest }: LedgerExport,
  at: number,
): Promise<LedgerProgress> {
  const { accountId, checkpoint } = progress;
  if (rest === null || !agrees(checkpoint, rest))
    throw new BackupMismatchError(
      `the ledger ${book} says other balances than its lines come to at ${checkpoint.seq}`,
    );
  const place = { book, timeline, forks, ...(cut === null ? {} : { cut }) };
  const unmoved = {
    account: accountId,
    place,
    checkpoint,
    rest,
  };
  const restSha256 = await digestOf(JSON.stringify(unmoved));
  if (restSha256 === progress.restSha256) return progress;
  // An account that never had anything leaves nothing behind.
  if (checkpoint.seq === 0) return { ...progress, restSha256 };
  const whole: Cut = { ...unmoved, at };
  await putOver(bucket, names.cut(book, at), storedCut.write(whole));
  return { ...progress, restSha256 };
}
