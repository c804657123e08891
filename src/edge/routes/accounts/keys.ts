import type { Context } from "hono";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { formatKey, generateKey, hashSecret, type KeyScope } from "#wire/api/accounts/key.ts";
import {
  createKeySchema,
  type KeyBody,
  keyListQuerySchema,
  type NewKeyBody,
  type RestrictKeyBody,
  restrictKeySchema,
  rotateKeySchema,
} from "#wire/api/accounts/keys.ts";
import { type KeyLimitsBody, keyLimitsBody, keyLimitsOf } from "#wire/api/accounts/limits-body.ts";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import { type Account, AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import { missingThing, refused, refusedMissing } from "../../guard/errors.ts";
import { excessOf } from "../../keys/excess.ts";
import { keyCache } from "../../keys/key-cache.ts";
import { type KeyRecord, KeyTable } from "../../keys/key-store.ts";
import { settingsOf } from "../../settings.ts";
import { readBody, readQuery } from "../body.ts";
import { pageReply } from "../list.ts";
import { placeSchema } from "./accounts.ts";

/** `POST /v1/keys`: makes a key and shows it, the only time. */
export async function createKey(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, createKeySchema);
  if (!body.ok) return refused(c, body.refusal);
  const { account: named, environment = "live", ...restrictions } = body.value;
  const found = await accountOf(c, named);
  if (!found.ok) return refused(c, found.refusal);
  const account = found.value;
  const key = generateKey(environment, randomBytes);
  const unrestricted: KeyRecord = {
    id: key.id,
    accountId: account.id,
    name: "key",
    environment,
    secretSha256: await hashSecret(key),
    previous: null,
    ...defaultsFor(c, account),
    accountLimits: account.limits,
    createdAt: Date.now(),
    revokedAt: null,
  };
  const record = restricted(unrestricted, restrictions);
  const keys = new KeyTable(c.env.DB);
  const holder = holderOf(c);
  if (holder !== undefined) {
    const problems = excessOf(record, holder);
    if (problems.length > 0) return refused(c, { kind: "invalid_request", problems });
    if ((await keys.countLive(account.id)) >= MAX_KEYS)
      return refused(c, { kind: "too_many_of", what: "keys", limit: MAX_KEYS });
  }
  await keys.insert(record);
  return shownOnce(c, record, formatKey(key), 201);
}

/** Threat: keys without end, each of them a row that is never deleted. The administrator may make more. */
const MAX_KEYS = 100;

/** Who asks with a key or its session; undefined for the administrator. */
function holderOf(c: Context<EdgeEnv>): KeyRecord | undefined {
  return c.get("key");
}

/** Whose keys a request is about: the administrator says it, and everybody else is about their own. */
async function accountOf(
  c: Context<EdgeEnv>,
  named: string | undefined,
): Promise<Result<Account, Failure>> {
  const own = holderOf(c)?.accountId;
  const refusal = (message: string): Result<never, Failure> =>
    refuse({ kind: "invalid_request", problems: [{ pointer: "/account", message }] });
  if (own !== undefined && named !== undefined && named !== own)
    return refusal("must be the account of the key that asks, or be left out");
  const id = own ?? named;
  if (id === undefined) return refusal("is missing");
  const account = await new AccountTable(c.env.DB).find(id);
  return account === undefined ? refusal("there is no such account") : ok(account);
}

/** What a key may do of which nothing is said: no more than the one that makes it. */
function defaultsFor(
  c: Context<EdgeEnv>,
  account: Account,
): Pick<KeyRecord, "scopes" | "limits" | "models" | "origins" | "expiresAt"> {
  const usual = settingsOf(c.env).keyLimits;
  const scopes: readonly KeyScope[] = ["ask", "usage"];
  const holder = holderOf(c);
  if (holder === undefined) {
    const limits = { ...usual, spendPerDayMicros: null, spendPerMonthMicros: null };
    return { scopes, limits, models: null, origins: null, expiresAt: null };
  }
  const most = holder.limits;
  return {
    scopes: scopes.filter((scope) => holder.scopes.includes(scope)),
    limits: {
      requestsPerMinute: Math.min(usual.requestsPerMinute, most.requestsPerMinute),
      stepsPerMinute: Math.min(usual.stepsPerMinute, most.stepsPerMinute),
      concurrent: Math.min(usual.concurrent, most.concurrent, account.limits.concurrent),
      spendPerDayMicros: most.spendPerDayMicros,
      spendPerMonthMicros: most.spendPerMonthMicros,
    },
    models: holder.models,
    origins: holder.origins,
    expiresAt: holder.expiresAt,
  };
}

/** `GET /v1/keys?account=…`: lists the keys of an account, oldest first, revoked ones too. */
export async function listKeys(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, keyListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { account: named, limit, after } = query.value;
  const account = await accountOf(c, named);
  if (!account.ok && (named === undefined || holderOf(c) !== undefined))
    return refused(c, account.refusal);
  const accountId = account.ok ? account.value.id : (named ?? "");
  const place = after === undefined ? undefined : decodeCursor(after, placeSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const keys = await new KeyTable(c.env.DB).list(accountId, place?.value, limit + 1);
  return pageReply(
    c,
    pageOf(keys, limit, keyBody, ({ createdAt, id }) => [createdAt, id]),
  );
}

/** `PATCH /v1/keys/{id}`: changes what a key may do. */
export async function restrictKey(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, restrictKeySchema);
  if (!body.ok) return refused(c, body.refusal);
  const key = await liveKey(c);
  if (!key.ok) return refused(c, key.refusal);
  const record = restricted(key.value, body.value);
  const problems = excessThatIsSaid(body.value, record, holderOf(c));
  if (problems.length > 0) return refused(c, { kind: "invalid_request", problems });
  await new KeyTable(c.env.DB).restrict(record);
  keyCache.forget(record.id);
  return c.json(keyBody(record));
}

/** `POST /v1/keys/{id}/rotate`: gives a key a new secret and shows it; the present one works on for the overlap. */
export async function rotateKey(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, rotateKeySchema);
  if (!body.ok) return refused(c, body.refusal);
  const key = await liveKey(c);
  if (!key.ok) return refused(c, key.refusal);
  const { id, environment, secretSha256 } = key.value;
  const { secret } = generateKey(environment, randomBytes);
  const fresh = { id, environment, secret };
  const hash = await hashSecret(fresh);
  const overlapEndsAt = Date.now() + body.value.overlap_seconds * 1000;
  const isRotated = await new KeyTable(c.env.DB).rotate(id, hash, overlapEndsAt);
  keyCache.forget(id);
  // Revoked in between.
  if (!isRotated) return refusedMissing(c, "valid key");
  const previous = { secretSha256, expiresAt: overlapEndsAt };
  return shownOnce(c, { ...key.value, secretSha256: hash, previous }, formatKey(fresh), 200);
}

/** `DELETE /v1/keys/{id}`: revokes a key for ever. */
export async function revokeKey(c: Context<EdgeEnv>): Promise<Response> {
  const table = new KeyTable(c.env.DB);
  const id = c.req.param("id") ?? "";
  const known = await table.find(id);
  if (known === undefined || !isOwn(known, holderOf(c))) return refusedMissing(c, "key");
  await table.revoke(id, Date.now());
  keyCache.forget(id);
  const record = await table.find(id);
  return record === undefined ? refusedMissing(c, "key") : c.json(keyBody(record));
}

/**
 * Finds the key of the path, to be changed. A revoked one cannot be, so it is `not_found`, as is another account's; one that may do
 * more than who asks is refused, or changing it would be a way to get more.
 */
async function liveKey(c: Context<EdgeEnv>): Promise<Result<KeyRecord, Failure>> {
  const record = await new KeyTable(c.env.DB).find(c.req.param("id") ?? "");
  const holder = holderOf(c);
  if (record === undefined || record.revokedAt !== null || !isOwn(record, holder))
    return refuse(missingThing(c, "valid key"));
  return holder !== undefined && excessOf(record, holder).length > 0
    ? refuse({ kind: "key_stronger", id: record.id })
    : ok(record);
}

function isOwn({ accountId }: KeyRecord, holder: KeyRecord | undefined): boolean {
  return holder === undefined || holder.accountId === accountId;
}

/** What a change names that is more than who asks may do. */
function excessThatIsSaid(
  change: RestrictKeyBody,
  record: KeyRecord,
  holder: KeyRecord | undefined,
): readonly FieldProblem[] {
  if (holder === undefined) return [];
  return excessOf(record, holder).filter(({ pointer }) => (pointer.split("/")[1] ?? "") in change);
}

/** What is not named stays as it is. */
function restricted(record: KeyRecord, to: RestrictKeyBody): KeyRecord {
  const limits: KeyLimitsBody = { ...keyLimitsBody(record.limits), ...to.limits };
  const { name, scopes, models, origins, expires_at } = to;
  return {
    ...record,
    limits: keyLimitsOf(limits),
    ...(name === undefined ? {} : { name }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(models === undefined ? {} : { models }),
    ...(origins === undefined ? {} : { origins }),
    ...(expires_at === undefined
      ? {}
      : { expiresAt: expires_at === null ? null : Date.parse(expires_at) }),
  };
}

function shownOnce(
  c: Context<EdgeEnv>,
  record: KeyRecord,
  key: string,
  status: 200 | 201,
): Response {
  const body: NewKeyBody = { ...keyBody(record), key };
  return c.json(body, status, { "cache-control": "no-store" });
}

function keyBody(record: KeyRecord): KeyBody {
  return {
    id: record.id,
    object: "key",
    account: record.accountId,
    name: record.name,
    environment: record.environment,
    scopes: record.scopes,
    limits: keyLimitsBody(record.limits),
    models: record.models,
    origins: record.origins,
    created_at: time(record.createdAt),
    expires_at: timeOrNull(record.expiresAt),
    revoked_at: timeOrNull(record.revokedAt),
    last_used_at: timeOrNull(record.lastUsedAt ?? null),
    previous_secret_expires_at: timeOrNull(record.previous?.expiresAt ?? null),
  };
}

function time(at: number): string {
  return new Date(at).toISOString();
}

function timeOrNull(at: number | null): string | null {
  return at === null ? null : time(at);
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
