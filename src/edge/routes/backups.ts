import type { Context } from "hono";
import * as z from "zod";
import {
  type BackupRestoreBody,
  type BackupRunBody,
  type BackupsBody,
  type BackupVerificationBody,
  backupRestoreSchema,
  backupRunSchema,
  backupsSchema,
  backupVerificationSchema,
  restoreBackupSchema,
  runBackupSchema,
  verifyBackupSchema,
} from "#wire/api/backups.ts";
import { decodeCursor, encodeCursor } from "#wire/api/page.ts";
import { BackupState } from "../backup/backup-state.ts";
import { readBackupFigures } from "../backup/figures.ts";
import { type Checkpoint, storedCheckpoint } from "../backup/formats.ts";
import { placeOfRestore, type RestorePlace, restoreOn } from "../backup/restore/restore.ts";
import { runBackup } from "../backup/run-backup.ts";
import { VERIFY_FROM, type VerifyPlace, verifyBackups } from "../backup/verify.ts";
import { takeOver } from "../backup/writer.ts";
import type { EdgeEnv } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { keyCache } from "../keys/key-cache.ts";
import { settingsOf } from "../settings.ts";
import { readBody } from "./body.ts";
import { byAdministrator, jsonBody, jsonContent, type RouteConfig } from "./describe/route.ts";

/** `GET /v1/backups`: how the backups stand. */
export async function showBackups(c: Context<EdgeEnv>): Promise<Response> {
  const figures = await readBackupFigures(c.env.DB);
  const body: BackupsBody = {
    object: "backups",
    accounts_due: figures.accountsDue,
    oldest_change_at: momentOf(figures.oldestChangeAt ?? 0),
    last_run_at: momentOf(figures.lastRunAt),
    last_tables_at: momentOf(figures.lastTablesAt),
    mismatches: figures.mismatches,
    failures: figures.failures,
  };
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** `POST /v1/backups/run`: one run, as the cron trigger begins it, with a snapshot of the tables. */
export async function runBackupNow(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, runBackupSchema);
  if (!body.ok) return refused(c, body.refusal);
  if (body.value.take_over === true) await takeOver(c.env.BACKUPS, new BackupState(c.env.DB));
  const days = settingsOf(c.env).backupDays;
  const run = await runBackup(c.env, { now: Date.now, days, isAsked: true });
  const reply: BackupRunBody = {
    object: "backup_run",
    refused: run.isRefused,
    ledgers: run.ledgers,
    segments: run.segments,
    lines: run.lines,
    failures: run.failures,
    mismatches: run.mismatches,
    tables: run.hasTables,
    has_more: run.hasMore,
  };
  return c.json(reply);
}

/** `POST /v1/backups/verify`: books what the bucket holds again from zero, a part with each call. */
export async function verifyBackup(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, verifyBackupSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { cursor } = body.value;
  const place = cursor === undefined ? undefined : decodeCursor(cursor, verifyCursor, "/cursor");
  if (place?.ok === false) return refused(c, place.refusal);
  const verified = await verifyBackups(c.env.BACKUPS, place?.value ?? VERIFY_FROM);
  const { next, ledgers, segments, lines, parts, endpoints, faults } = verified;
  const reply: BackupVerificationBody = {
    object: "backup_verification",
    ...{ ledgers, segments, lines, parts, endpoints, faults },
    next_cursor: next === null ? null : verifyCursorOf(next),
  };
  return c.json(reply);
}

/** `POST /v1/backups/restore`: restores everything to a point in time, a part with each call. */
export async function restoreBackup(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, restoreBackupSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { at, cursor, take_over = true } = body.value;
  const place =
    cursor === undefined
      ? await placeOfRestore(c.env.BACKUPS, Date.parse(at))
      : decodeCursor(cursor, restoreCursor, "/cursor");
  if (!place.ok) return refused(c, place.refusal);
  const restored = await restoreOn(c.env, place.value, take_over);
  if (!restored.ok) return refused(c, restored.refusal);
  const { next, tablesAt, ledgers, lines, rows, endpoints, faults } = restored.value;
  // Callers do not wait for the end: who asked meanwhile is remembered as nobody.
  if (next === null) keyCache.forgetAll();
  const reply: BackupRestoreBody = {
    object: "backup_restore",
    tables_at: new Date(tablesAt).toISOString(),
    ...{ ledgers, lines, rows, endpoints, faults },
    next_cursor: next === null ? null : restoreCursorOf(next),
  };
  return c.json(reply);
}

function momentOf(at: number): string | null {
  return at === 0 ? null : new Date(at).toISOString();
}

function pointText(point: Checkpoint | null): string {
  return point === null ? "" : storedCheckpoint.write(point);
}

const pointSchema: z.ZodType<Checkpoint | null, string> = z.string().transform((text, issues) => {
  if (text === "") return null;
  try {
    return storedCheckpoint.read(text);
  } catch {
    issues.addIssue("is no checkpoint");
    return z.NEVER;
  }
});

function verifyCursorOf({ book, point, parts, endpoints }: VerifyPlace): string {
  const [looked, at] = endpoints === null ? [0, ""] : [1, endpoints];
  return encodeCursor([book, pointText(point), parts ?? -1, looked, at]);
}

const verifyCursor: z.ZodType<VerifyPlace> = z
  .tuple([z.string(), pointSchema, z.int(), z.literal([0, 1]), z.string()])
  .transform(([book, point, parts, looked, at]) => ({
    ...{ book, point, parts: parts < 0 ? null : parts },
    endpoints: looked === 0 ? null : at,
  }));

function restoreCursorOf({ at, manifest, phase, book, point, done }: RestorePlace): string {
  return encodeCursor([at, manifest, phase, book, pointText(point), done]);
}

const restoreCursor: z.ZodType<RestorePlace> = z
  .tuple([
    z.int(),
    z.string(),
    z.enum(["webhooks", "ledgers", "tables", "payments", "events"]),
    z.string(),
    pointSchema,
    z.int().nonnegative(),
  ])
  .transform(([at, manifest, phase, book, point, done]) => ({
    ...{ at, manifest, phase, book, point, done },
  }));

const security = byAdministrator;

/** How these routes read in the API's description. */
export const backupRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/backups",
    operationId: "showBackups",
    summary: "Show how the backups stand",
    security,
    responses: {
      200: { description: "How they stand.", content: jsonContent(backupsSchema) },
    },
  },
  {
    method: "post",
    path: "/v1/backups/run",
    operationId: "runBackup",
    summary: "Run the backups now",
    description:
      "As they run by themselves every few minutes, and with a snapshot of the tables: what has moved in the ledgers, and in the webhook endpoints, since they were exported is written to the bucket BACKUPS, booked again, and held against what the ledgers say. Where `has_more` is true, run it again.",
    security,
    request: jsonBody(runBackupSchema),
    responses: {
      200: { description: "What was done.", content: jsonContent(backupRunSchema) },
    },
  },
  {
    method: "post",
    path: "/v1/backups/verify",
    operationId: "verifyBackup",
    summary: "Verify the backups",
    description:
      "Books every ledger that the bucket holds again from zero, holds the last snapshot of the tables against its digests, and counts the webhook endpoints that a restore would find. Changes nothing. Call it again with `next_cursor` until that is null.",
    security,
    request: jsonBody(verifyBackupSchema),
    responses: {
      200: { description: "What was found.", content: jsonContent(backupVerificationSchema) },
    },
  },
  {
    method: "post",
    path: "/v1/backups/restore",
    operationId: "restoreBackup",
    summary: "Restore to a point in time",
    description:
      "Into an environment without these accounts: each ledger as it was when it was last exported before the point in time, webhook endpoints too, and accounts, keys, payments and usage as of the last snapshot before it. Holds that were open are given back. What is there is never written over: an account whose ledger has entries is refused with `already_exists`. Call it again with `next_cursor` until that is null.",
    security,
    request: jsonBody(restoreBackupSchema),
    responses: {
      200: { description: "What was restored.", content: jsonContent(backupRestoreSchema) },
    },
  },
];
