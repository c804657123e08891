import * as z from "zod";

/** How the backups stand, as the administrator is told. Times are RFC 3339, UTC. */
export interface BackupsBody {
  readonly object: "backups";
  /** Accounts whose ledgers have moved since they were exported. */
  readonly accounts_due: number;
  /** When the first of those moved; null where there is none. */
  readonly oldest_change_at: string | null;
  readonly last_run_at: string | null;
  /** Of the last complete snapshot of the tables: what a restore of accounts and keys goes back to. */
  readonly last_tables_at: string | null;
  /** Since ever; anything but 0 is to be looked at. */
  readonly mismatches: number;
  readonly failures: number;
}

/** Body of `POST /v1/backups/run`. */
export interface RunBackupBody {
  /** Makes this environment the one that writes to the bucket, whichever did before. */
  readonly take_over?: boolean;
}

/** What a run of the backups did. */
export interface BackupRunBody {
  readonly object: "backup_run";
  /** Another environment writes to the bucket: nothing was done. */
  readonly refused: boolean;
  readonly ledgers: number;
  readonly segments: number;
  readonly lines: number;
  readonly failures: number;
  readonly mismatches: number;
  /** Whether a snapshot of the tables was completed. */
  readonly tables: boolean;
  /** Run again: something is left. */
  readonly has_more: boolean;
}

/** Body of `POST /v1/backups/verify`. */
export interface VerifyBackupBody {
  /** Where an earlier call came to. */
  readonly cursor?: string;
}

/** What is wrong with an object of the backups. */
export interface BackupFaultBody {
  readonly name: string;
  readonly fault: "missing" | "altered" | "not_bookable" | "balances_differ";
}

/** What one call of verifying found. */
export interface BackupVerificationBody {
  readonly object: "backup_verification";
  /** Ledgers that were booked again to their end. */
  readonly ledgers: number;
  readonly segments: number;
  readonly lines: number;
  /** Parts of the tables' last snapshot that are as they were written. */
  readonly parts: number;
  /** Webhook endpoints that a restore would find. */
  readonly endpoints: number;
  readonly faults: readonly BackupFaultBody[];
  /** Give it as `cursor` to go on; null: that was all. */
  readonly next_cursor: string | null;
}

/** Body of `POST /v1/backups/restore`. */
export interface RestoreBackupBody {
  /** RFC 3339: to this point in time. */
  readonly at: string;
  readonly cursor?: string;
  /** False: the environment that writes to the bucket stays the one that does; this one keeps no backups. True unless said. */
  readonly take_over?: boolean;
}

/** What one call of a restore did. */
export interface BackupRestoreBody {
  readonly object: "backup_restore";
  /** When the snapshot was begun that the tables are of. */
  readonly tables_at: string;
  readonly ledgers: number;
  readonly lines: number;
  readonly rows: number;
  /** Webhook endpoints that were restored. */
  readonly endpoints: number;
  /** Of these nothing more was restored. */
  readonly faults: readonly BackupFaultBody[];
  /** Give it as `cursor` to go on; null: that was all. */
  readonly next_cursor: string | null;
}

/** Threat: a cursor that fills the isolate. The longest names a ledger's open holds: a batch and 1,000 answers, 60 bytes each. */
const MAX_CURSOR_LENGTH = 262_144;

const count = z.int().nonnegative();
const moment = z.iso.datetime();
const cursor = z.string().min(1).max(MAX_CURSOR_LENGTH).exactOptional();
const nextCursor = z
  .string()
  .nullable()
  .meta({ description: "Give it as `cursor` to go on; null: that was all." });
const takeOver = z.boolean().exactOptional().meta({
  description:
    "Whether this environment is the one that writes to the bucket from now on; whichever did before stops. Default: of a run false, of a restore true.",
});

const faults: z.ZodType<readonly BackupFaultBody[]> = z.array(
  z.strictObject({
    name: z.string(),
    fault: z.enum(["missing", "altered", "not_bookable", "balances_differ"]),
  }),
);

export const backupsSchema: z.ZodType<BackupsBody> = z
  .strictObject({
    object: z.literal("backups"),
    accounts_due: count,
    oldest_change_at: moment.nullable(),
    last_run_at: moment.nullable(),
    last_tables_at: moment.nullable(),
    mismatches: count,
    failures: count,
  })
  .meta({ id: "Backups" });

export const runBackupSchema: z.ZodType<RunBackupBody> = z
  .strictObject({ take_over: takeOver })
  .meta({ id: "RunBackup", example: {} });

export const backupRunSchema: z.ZodType<BackupRunBody> = z
  .strictObject({
    object: z.literal("backup_run"),
    refused: z.boolean(),
    ledgers: count,
    segments: count,
    lines: count,
    failures: count,
    mismatches: count,
    tables: z.boolean(),
    has_more: z.boolean(),
  })
  .meta({ id: "BackupRun" });

export const verifyBackupSchema: z.ZodType<VerifyBackupBody> = z
  .strictObject({ cursor })
  .meta({ id: "VerifyBackup", example: {} });

export const backupVerificationSchema: z.ZodType<BackupVerificationBody> = z
  .strictObject({
    object: z.literal("backup_verification"),
    ledgers: count,
    segments: count,
    lines: count,
    parts: count,
    endpoints: count,
    faults,
    next_cursor: nextCursor,
  })
  .meta({ id: "BackupVerification" });

export const restoreBackupSchema: z.ZodType<RestoreBackupBody> = z
  .strictObject({ at: moment, cursor, take_over: takeOver })
  .meta({ id: "RestoreBackup", example: { at: "2026-11-28T12:00:00Z" } });

export const backupRestoreSchema: z.ZodType<BackupRestoreBody> = z
  .strictObject({
    object: z.literal("backup_restore"),
    tables_at: moment,
    ledgers: count,
    lines: count,
    rows: count,
    endpoints: count,
    faults,
    next_cursor: nextCursor,
  })
  .meta({ id: "BackupRestore" });
