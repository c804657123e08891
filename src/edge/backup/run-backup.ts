import { ledgersMoved } from "../accounts/ledger-marks.ts";
import { type LedgerBinding, ledgerBackupOf } from "../ledger/ledger-client.ts";
import { logFault } from "../log.ts";
import { BackupState } from "./backup-state.ts";
import type { BackupBinding } from "./bucket.ts";
import { type EndpointsParts, exportEndpoints } from "./endpoints/export-endpoints.ts";
import type { EndpointsBinding } from "./endpoints/restore-endpoints.ts";
import { pruneTables } from "./forgetting.ts";
import { checkInTurn } from "./ledgers/check-in-turn.ts";
import { BackupMismatchError, type Exported, exportLedger } from "./ledgers/export-ledger.ts";
import { LedgerExports } from "./ledgers/ledger-exports.ts";
import { exportTables } from "./tables/export-tables.ts";
import { mayWrite } from "./writer.ts";

/** What the backups are made with. */
export interface BackupBindings extends BackupBinding, EndpointsBinding, LedgerBinding {
  readonly DB: D1Database;
}

/**
 * Threat: a run that the platform ends half-way: nothing would be lost, but those behind would wait for ever. A ledger takes some five
 * calls; in five minutes 200 are done by far. Beyond 200 busy accounts in five minutes the backups fall behind, and their figures say so.
 */
const LEDGERS_AT_ONCE = 200;

/** Of ledgers of which nobody said that they have moved: a hold that was only given back is not told. */
const QUIET_LEDGERS_AT_ONCE = 20;

/** New accounts, and all of them at the first run. */
const TAKEN_IN_AT_ONCE = 1_000;

/** A Worker may have six connections open at once. */
const SIDE_BY_SIDE = 4;

/** Between the beginnings of two snapshots of the tables, which read them whole but for what is only ever added. */
export const TABLES_EVERY_MS: number = 15 * 60_000;

/** Between two looks for what is too old. */
const PRUNE_EVERY_MS = 24 * 3_600_000;

/** What a run did. */
export interface BackupRun {
  /** Another environment writes to the bucket: nothing was done. */
  readonly isRefused: boolean;
  readonly ledgers: number;
  readonly segments: number;
  readonly lines: number;
  /** Accounts whose webhook endpoints were written. */
  readonly endpoints: number;
  /** Ledgers whose export came to nothing and is tried again. */
  readonly failures: number;
  /** Ledgers that say otherwise than their lines, and objects that are not as they were written. */
  readonly mismatches: number;
  /** Whether a snapshot of the tables was completed. */
  readonly hasTables: boolean;
  /** Whether something is left for the next run. */
  readonly hasMore: boolean;
}

/**
 * One run of the backups, bounded: what has moved in the ledgers, and in the webhooks of the same accounts, a snapshot of the tables
 * where one is due, and a part of what lies in the bucket booked again. Whatever it does may be broken off and is gone on with by the
 * next. `now`: milliseconds since 1970.
 */
export async function runBackup(
  env: BackupBindings,
  {
    now,
    days,
    isAsked,
  }: { readonly now: () => number; readonly days: number; readonly isAsked: boolean },
): Promise<BackupRun> {
  const state = new BackupState(env.DB);
  const exports = new LedgerExports(env.DB);
  const bucket = env.BACKUPS;
  if (!(await mayWrite(bucket, state))) {
    const { failures } = await state.record();
    await state.note({ failures: failures + 1 });
    logFault(
      "backups are not made: the bucket is another environment's",
      "backup",
      "restore it, or take it over",
    );
    return { ...NOTHING, isRefused: true };
  }
  const startedAt = now();
  await exports.takeIn(TAKEN_IN_AT_ONCE, startedAt);
  const due = await exports.due(LEDGERS_AT_ONCE, QUIET_LEDGERS_AT_ONCE);
  const told = await sideBySide(due, (accountId) =>
    attempt(`the ledger of ${accountId}`, () =>
      exportLedger({ bucket, exports, ledgerOf: (id) => ledgerBackupOf(env, id), now }, accountId),
    ),
  );
  const until = startedAt - days * DAY_MS;
  const saved = await sideBySide(due, (accountId) =>
    attempt(`the webhook endpoints of ${accountId}`, () =>
      saveEndpoints(env, accountId, { now, until }),
    ),
  );
  const before = await state.record();
  const isDue = isAsked || startedAt - before.lastTablesAt >= TABLES_EVERY_MS;
  const isUnderWay = (await state.snapshot()) !== undefined;
  const tables =
    isDue || isUnderWay
      ? await attempt("the tables", () => exportTables({ bucket, db: env.DB, state, now }))
      : undefined;
  const check = await attempt("what was exported", () =>
    checkInTurn({ bucket, state, exports, now }, until),
  );
  const isPruned = startedAt - before.prunedAt < PRUNE_EVERY_MS;
  const pruned = isPruned ? [] : [await attempt("old snapshots", () => pruneTables(bucket, until))];
  const outcomes = [...told, ...saved, ...(tables === undefined ? [] : [tables]), check, ...pruned];
  const failures = outcomes.filter((outcome) => outcome.kind === "failed").length;
  const mismatches = outcomes.filter((outcome) => outcome.kind === "mismatch").length;
  const after = await state.record();
  await state.note({
    lastRunAt: startedAt,
    ...(isPruned ? {} : { prunedAt: startedAt }),
    failures: after.failures + failures,
    mismatches: after.mismatches + mismatches,
  });
  const done = told.flatMap((outcome) => (outcome.kind === "done" ? [outcome.value] : []));
  const sum = (of: (exported: Exported) => number): number =>
    done.reduce((total, exported) => total + of(exported), 0);
  return {
    isRefused: false,
    ledgers: done.length,
    segments: sum(({ segments }) => segments),
    lines: sum(({ lines }) => lines),
    endpoints: saved.filter((outcome) => outcome.kind === "done" && outcome.value).length,
    failures,
    mismatches,
    hasTables: tables?.kind === "done" && tables.value,
    hasMore:
      done.some(({ hasMore }) => hasMore) ||
      (tables?.kind === "done" && !tables.value) ||
      due.length >= LEDGERS_AT_ONCE,
  };
}

/** The ledger was read by now, and would say that the account has had its turn: what fails is tried again with the next run. */
async function saveEndpoints(
  env: BackupBindings,
  accountId: string,
  { now, until }: { readonly now: () => number; readonly until: number },
): Promise<boolean> {
  const endpointsOf: EndpointsParts["endpointsOf"] = (id) => env.WEBHOOKS.getByName(id);
  try {
    return await exportEndpoints({ bucket: env.BACKUPS, endpointsOf, now }, accountId, until);
  } catch (cause) {
    await ledgersMoved(env.DB, [accountId], now()).run();
    throw cause;
  }
}

const DAY_MS = 24 * 3_600_000;

const NOTHING: BackupRun = {
  isRefused: false,
  ledgers: 0,
  segments: 0,
  lines: 0,
  endpoints: 0,
  failures: 0,
  mismatches: 0,
  hasTables: false,
  hasMore: false,
};

type Outcome<Value> =
  | { readonly kind: "done"; readonly value: Value }
  | { readonly kind: "failed" | "mismatch" };

/** One that comes to nothing keeps nobody else from theirs. */
async function attempt<Value>(what: string, work: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { kind: "done", value: await work() };
  } catch (cause) {
    const isMismatch = cause instanceof BackupMismatchError;
    logFault(
      isMismatch
        ? "a backup is not what it is of"
        : "a backup could not be made and will be tried again",
      what,
      cause,
    );
    return { kind: isMismatch ? "mismatch" : "failed" };
  }
}

async function sideBySide<Item, Value>(
  items: readonly Item[],
  work: (item: Item) => Promise<Value>,
): Promise<readonly Value[]> {
  const left = items.values();
  const values: Value[] = [];
  const take = async (): Promise<void> => {
    for (const item of left) values.push(await work(item));
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, take));
  return values;
}
