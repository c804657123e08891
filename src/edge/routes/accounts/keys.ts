import type { Context } from "hono";
import { z } from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { formatKey, generateKey, hashSecret } from "#wire/api/accounts/key.ts";
import {
  createKeySchema,
  type KeyBody,
  keyListQuerySchema,
  keyListSchema,
  keySchema,
  type NewKeyBody,
  newKeySchema,
  type RestrictKeyBody,
  restrictKeySchema,
  rotateKeySchema,
} from "#wire/api/accounts/keys.ts";
import { type KeyLimitsBody, keyLimitsBody, keyLimitsOf } from "#wire/api/accounts/limits-body.ts";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import { AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import { missingThing, refused, refusedMissing } from "../../guard/errors.ts";
import { keyCache } from "../../keys/key-cache.ts";
import { type KeyRecord, KeyTable } from "../../keys/key-store.ts";
import { settingsOf } from "../../settings.ts";
import { describedQuery, readBody, readQuery } from "../body.ts";
import { byAdministrator, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import { pageReply } from "../list.ts";
import { placeSchema } from "./accounts.ts";

/** `POST /v1/keys`: makes a key and shows it, the only time. */
export async function createKey(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, createKeySchema);
  if (!body.ok) return refused(c, body.refusal);
  const { account: accountId, environment = "live", ...restrictions } = body.value;
  const account = await new AccountTable(c.env.DB).find(accountId);
  if (account === undefined) {
    const problem = { pointer: "/account", message: "there is no such account" };
    return refused(c, { kind: "invalid_request", problems: [problem] });
  }
  const key = generateKey(environment, randomBytes);
  const unrestricted: KeyRecord = {
    id: key.id,
    accountId,
    name: "key",
    environment,
    secretSha256: await hashSecret(key),
    previous: null,
    scopes: ["ask", "usage"],
    limits: {
      ...settingsOf(c.env).keyLimits,
      spendPerDayMicros: null,
      spendPerMonthMicros: null,
    },
    accountLimits: account.limits,
    models: null,
    origins: null,
    createdAt: Date.now(),
    expiresAt: null,
    revokedAt: null,
  };
  const record = restricted(unrestricted, restrictions);
  await new KeyTable(c.env.DB).insert(record);
  return shownOnce(c, record, formatKey(key), 201);
}

/** `GET /v1/keys?account=…`: lists the keys of an account, oldest first, revoked ones too. */
export async function listKeys(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, keyListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { account, limit, after } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, placeSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const keys = await new KeyTable(c.env.DB).list(account, place?.value, limit + 1);
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
  await table.revoke(id, Date.now());
  keyCache.forget(id);
  const record = await table.find(id);
  return record === undefined ? refusedMissing(c, "key") : c.json(keyBody(record));
}

/** Finds the key of the path. A revoked one cannot be changed, so it is `not_found`. */
async function liveKey(c: Context<EdgeEnv>): Promise<Result<KeyRecord, Failure>> {
  const record = await new KeyTable(c.env.DB).find(c.req.param("id") ?? "");
  return record === undefined || record.revokedAt !== null
    ? refuse(missingThing(c, "valid key"))
    : ok(record);
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

const WITHIN = "Takes effect everywhere within 60 seconds.";
const params = z.object({ id: z.string() });

/** How these routes read in the API's description. */
export const keyRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/keys",
    operationId: "createKey",
    summary: "Make a key",
    description: "Shows the key this one time; only a digest of its secret is kept.",
    security: byAdministrator,
    request: jsonBody(createKeySchema),
    responses: { 201: { description: "The key.", content: jsonContent(newKeySchema) } },
  },
  {
    method: "get",
    path: "/v1/keys",
    operationId: "listKeys",
    summary: "List the keys of an account",
    security: byAdministrator,
    request: { query: describedQuery(keyListQuerySchema) },
    responses: {
      200: {
        description: "Keys without their secrets.",
        headers: ["Link"],
        content: jsonContent(keyListSchema),
      },
    },
  },
  {
    method: "patch",
    path: "/v1/keys/{id}",
    operationId: "restrictKey",
    summary: "Change what a key may do",
    description: WITHIN,
    security: byAdministrator,
    request: { params, ...jsonBody(restrictKeySchema) },
    responses: { 200: { description: "The key.", content: jsonContent(keySchema) } },
  },
  {
    method: "post",
    path: "/v1/keys/{id}/rotate",
    operationId: "rotateKey",
    summary: "Give a key a new secret",
    description:
      "The present secret works on for overlap_seconds (a day unless said otherwise); the one before it no longer.",
    security: byAdministrator,
    request: { params, ...jsonBody(rotateKeySchema) },
    responses: { 200: { description: "The key.", content: jsonContent(newKeySchema) } },
  },
  {
    method: "delete",
    path: "/v1/keys/{id}",
    operationId: "revokeKey",
    summary: "Revoke a key",
    description: `${WITHIN} Its client tokens end with it. Cannot be undone.`,
    security: byAdministrator,
    request: { params },
    responses: { 200: { description: "The revoked key.", content: jsonContent(keySchema) } },
  },
];
