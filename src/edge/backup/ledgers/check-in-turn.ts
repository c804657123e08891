import type { BackupState, CheckUnderWay } from "../backup-state.ts";
import { pruneBook } from "../forgetting.ts";
import { beginningOf, checkBook } from "./check-book.ts";
import { nameOfCutAt, readCut } from "./cuts.ts";
import { BackupMismatchError } from "./export-ledger.ts";
import type { LedgerExports } from "./ledger-exports.ts";

/** Threat: a run that the platform ends. 50 segments are some 20 MB, read and booked in seconds. */
const SEGMENTS_AT_ONCE = 50;
const BOOKS_AT_ONCE = 20;

export interface CheckParts {
  readonly bucket: R2Bucket;
  readonly state: BackupState;
  readonly exports: LedgerExports;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Books again from zero what lies in the bucket, ledger after ledger, a part with each run, and forgets of each what is older than
 * `until`. Throws BackupMismatchError at the first that is not what it is to be, which has had its turn.
 */
export async function checkInTurn(parts: CheckParts, until: number): Promise<void> {
  let segments = SEGMENTS_AT_ONCE;
  for (let turn = 0; turn < BOOKS_AT_ONCE && segments > 0; turn += 1) {
    const under = (await parts.state.check()) ?? (await next(parts));
    if (under === undefined) return;
    segments -= await checkOn(parts, under, segments, until);
  }
}

async function checkOn(
  { bucket, state, exports, now }: CheckParts,
  under: CheckUnderWay,
  segments: number,
  until: number,
): Promise<number> {
  const cut = await readCut(bucket, under.cut);
  // It was forgotten meanwhile: with its account, or because it was old.
  const checked =
    cut === undefined
      ? undefined
      : await checkBook(bucket, cut, under.point ?? beginningOf(cut), segments);
  if (checked !== undefined && !checked.isEnd) {
    await state.keepCheck({ ...under, point: checked.point });
    return checked.segments;
  }
  await state.keepCheck(null);
  await exports.checked(under.account, now());
  if (cut !== undefined) await pruneBook(bucket, cut.place.book, until);
  const fault = checked?.fault ?? null;
  if (fault !== null) throw new BackupMismatchError(`${fault.name}: ${fault.fault}`);
  return checked?.segments ?? 0;
}

async function next({ bucket, exports, now }: CheckParts): Promise<CheckUnderWay | undefined> {
  const account = await exports.longestUnchecked();
  if (account === undefined) return undefined;
  const checkpoint = (await exports.find(account))?.checkpoint;
  const cut = checkpoint == null ? undefined : await nameOfCutAt(bucket, checkpoint.book, now());
  if (cut !== undefined) return { account, cut, point: null };
  await exports.checked(account, now());
  return undefined;
}
