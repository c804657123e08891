import { applyD1Migrations, createExecutionContext, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { micros } from "#domain/micros.ts";
import { AccountTable } from "#edge/accounts/account-store.ts";
import { placeOfRestore, type Restored, restoreOn } from "#edge/backup/restore/restore.ts";
import { type BackupRun, runBackup } from "#edge/backup/run-backup.ts";
import { VERIFY_FROM, type Verified, verifyBackups } from "#edge/backup/verify.ts";
import type { Bindings } from "#edge/env.ts";
import { KeyTable } from "#edge/keys/key-store.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import type { HoldRequest, Ledger } from "#edge/ledger/ledger-service.ts";
import { settingsOf } from "#edge/settings.ts";
import worker from "#edge/worker.ts";
import { formatKey, generateKey, hashSecret, KEY_SCOPES } from "#wire/api/accounts/key.ts";
import { holdRequest } from "../../support/ledger-builders.ts";

/** An edge with tables and ledgers of its own, whose backups lie in the bucket that all of them share. */
export interface Environment {
  readonly bindings: Bindings;
  /** Runs the backups at a moment: milliseconds since 1970. */
  backUp(at: number, isAsked?: boolean): Promise<BackupRun>;
  ledger(accountId: string): Ledger;
  /** Opens an account with a key, which it returns, and credit. */
  open(accountId: string, credit: number): Promise<string>;
  /** Has an answer of 10 micro-dollars held, and charged unless told otherwise. */
  answer(accountId: string, answerId: string, terms?: Partial<HoldRequest>): Promise<void>;
  hold(accountId: string, answerId: string, terms?: Partial<HoldRequest>): Promise<void>;
  get(path: string, key: string): Promise<Response>;
  post(path: string, key: string, body: object): Promise<Response>;
}

/** Objects of one environment: another has other ones under the same names. */
function apart<Name extends "LEDGER" | "WEBHOOKS">(prefix: string, name: Name): Bindings[Name] {
  const objects = { getByName: (id: string) => env[name].getByName(`${prefix}/${id}`) };
  return objects as unknown as Bindings[Name];
}

/** Makes an environment in which nothing is. */
export async function emptyEnvironment(db: D1Database): Promise<Environment> {
  await empty(db);
  const prefix = crypto.randomUUID();
  const bindings: Bindings = {
    ...env,
    DB: db,
    LEDGER: apart(prefix, "LEDGER"),
    WEBHOOKS: apart(prefix, "WEBHOOKS"),
    BACKUPS: env.SHARED_BACKUPS,
  };
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    const request = new Request(`https://unmask.test${path}`, init);
    const asked = request as Parameters<NonNullable<typeof worker.fetch>>[0];
    const reply = await worker.fetch?.(asked, bindings, createExecutionContext());
    if (reply === undefined) throw new Error("the Worker takes no requests");
    return reply;
  };
  const hold = async (
    accountId: string,
    answerId: string,
    terms: Partial<HoldRequest> = {},
  ): Promise<void> => {
    const held = await ledgerOf(bindings, accountId).hold(
      holdRequest(answerId, { accountId, ...terms }),
    );
    if (!held.ok) throw new Error(`not held: ${held.refusal.failure.kind}`);
  };
  return {
    bindings,
    backUp: async (at, isAsked = true) =>
      await runBackup(bindings, { now: () => at, days: 30, isAsked }),
    ledger: (accountId) => ledgerOf(bindings, accountId),
    hold,
    answer: async (accountId, answerId, terms = {}) => {
      await hold(accountId, answerId, terms);
      const charge = micros(10);
      const reply = terms.idempotency == null ? null : "{}";
      await ledgerOf(bindings, accountId).capture({ holdId: answerId, charge, steps: 4, reply });
    },
    open: async (accountId, credit) => await open(bindings, accountId, credit),
    get: async (path, key) => await ask(path, { headers: bearer(key) }),
    post: async (path, key, body) =>
      await ask(path, {
        method: "POST",
        headers: { ...bearer(key), "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

/** Restores everything into an environment, call after call. */
export async function restoreInto(
  { bindings }: Environment,
  at: number,
  takesOver = true,
): Promise<Omit<Restored, "next"> & { readonly calls: number }> {
  const begun = await placeOfRestore(bindings.BACKUPS, at);
  if (!begun.ok) throw new Error(JSON.stringify(begun.refusal));
  let sums: Omit<Restored, "next"> = {
    ...{ tablesAt: 0, ledgers: 0, lines: 0, rows: 0, endpoints: 0, faults: [] },
  };
  let calls = 0;
  for (let place: typeof begun.value | null = begun.value; place !== null; calls += 1) {
    const restored: Awaited<ReturnType<typeof restoreOn>> = await restoreOn(
      bindings,
      place,
      takesOver,
    );
    if (!restored.ok) throw new Error(JSON.stringify(restored.refusal));
    const { next, tablesAt, ledgers, lines, rows, endpoints, faults } = restored.value;
    sums = {
      tablesAt,
      ledgers: sums.ledgers + ledgers,
      lines: sums.lines + lines,
      rows: sums.rows + rows,
      endpoints: sums.endpoints + endpoints,
      faults: [...sums.faults, ...faults],
    };
    place = next;
  }
  return { ...sums, calls };
}

/** Verifies the whole bucket, call after call. */
export async function verifyAll(): Promise<Omit<Verified, "next">> {
  let sums: Omit<Verified, "next"> = {
    ...{ ledgers: 0, segments: 0, lines: 0, parts: 0, endpoints: 0, faults: [] },
  };
  for (let place: Verified["next"] = VERIFY_FROM; place !== null; ) {
    const told: Verified = await verifyBackups(env.SHARED_BACKUPS, place);
    sums = {
      ledgers: sums.ledgers + told.ledgers,
      segments: sums.segments + told.segments,
      lines: sums.lines + told.lines,
      parts: sums.parts + told.parts,
      endpoints: sums.endpoints + told.endpoints,
      faults: [...sums.faults, ...told.faults],
    };
    place = told.next;
  }
  return sums;
}

/** Names of the objects in the bucket below a prefix. */
export async function namesBelow(prefix: string): Promise<readonly string[]> {
  const { objects } = await env.SHARED_BACKUPS.list({ prefix });
  return objects.map(({ key }) => key);
}

/** Empties the bucket that the environments share. */
export async function emptyBackups(): Promise<void> {
  for (;;) {
    const { objects } = await env.SHARED_BACKUPS.list();
    if (objects.length === 0) return;
    await env.SHARED_BACKUPS.delete(objects.map(({ key }) => key));
  }
}

/** Of other environments' usage, which is never deleted, nobody asks: accounts have names of their own there. */
async function empty(db: D1Database): Promise<void> {
  await applyD1Migrations(db, JSON.parse(env.TEST_MIGRATIONS) as D1Migration[]);
  const emptied = [
    ...["ledger_exports", "backup_state", "keys", "payment_events", "payments", "refusals"],
    "accounts",
  ];
  await db.batch(emptied.map((table) => db.prepare(`DELETE FROM ${table}`)));
}

async function open(bindings: Bindings, accountId: string, credit: number): Promise<string> {
  const { keyLimits, accountLimits } = settingsOf(bindings);
  await new AccountTable(bindings.DB).insert({
    id: accountId,
    name: accountId,
    limits: accountLimits,
    stripeCustomerId: null,
    createdAt: 1,
  });
  const key = generateKey("test", (count) => crypto.getRandomValues(new Uint8Array(count)));
  await new KeyTable(bindings.DB).insert({
    id: key.id,
    accountId,
    name: "first",
    environment: "test",
    secretSha256: await hashSecret(key),
    previous: null,
    scopes: KEY_SCOPES,
    limits: { ...keyLimits, spendPerDayMicros: null, spendPerMonthMicros: null },
    models: null,
    origins: null,
    createdAt: 1,
    expiresAt: null,
    revokedAt: null,
  });
  if (credit > 0)
    await ledgerOf(bindings, accountId).grant({
      grantId: "first",
      amount: micros(credit),
      note: "granted by the administrator",
    });
  return formatKey(key);
}
