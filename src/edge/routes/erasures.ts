import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type ErasureBody,
  eraseAccountSchema,
  erasureSchema,
} from "#wire/api/accounts/erasures.ts";
import { AccountTable } from "../accounts/account-store.ts";
import type { EdgeEnv } from "../env.ts";
import { refused, refusedMissing } from "../guard/errors.ts";
import { type Erasure, retentionOf } from "../keepers.ts";
import { erasedIdOf } from "../ledger/ledger-client.ts";
import { ErasureTable } from "../retention/erasure-table.ts";
import { readBody } from "./body.ts";
import {
  byAdministrator,
  byKey,
  jsonBody,
  jsonContent,
  type RouteConfig,
} from "./describe/route.ts";

/** `POST /v1/account/erase`: erases the account of the key that asks. */
export async function eraseOwnAccount(c: Context<EdgeEnv>): Promise<Response> {
  return await erase(c, c.get("key").accountId);
}

/** `POST /v1/accounts/{id}/erase`: erases an account; said again, it tells how far that is. */
export async function eraseAccount(c: Context<EdgeEnv>): Promise<Response> {
  return await erase(c, c.req.param("id") ?? "");
}

async function erase(c: Context<EdgeEnv>, accountId: string): Promise<Response> {
  const body = await readBody(c, eraseAccountSchema);
  if (!body.ok) return refused(c, body.refusal);
  const confirmed = confirms(body.value.confirm, accountId);
  if (!confirmed.ok) return refused(c, confirmed.refusal);
  const isKnown = (await new AccountTable(c.env.DB).find(accountId)) !== undefined;
  const earlier = await new ErasureTable(c.env.DB).findBy(erasedIdOf(c.env, accountId));
  if (!isKnown && earlier === undefined) return refusedMissing(c, "account");
  const erasure = earlier ?? (await retentionOf(c.env, accountId).erase(accountId));
  return erasureReply(c, erasure);
}

function confirms(confirm: string, accountId: string): Result<void, Failure> {
  if (confirm === accountId) return ok(undefined);
  const message = "must be the id of the account that is to be erased";
  return refuse({ kind: "invalid_request", problems: [{ pointer: "/confirm", message }] });
}

/** `GET /v1/erasures/{id}`: how far an erasure is. Its id alone opens it: the account's keys open nothing any more. */
export async function showErasure(c: Context<EdgeEnv>): Promise<Response> {
  const erasure = await new ErasureTable(c.env.DB).find(c.req.param("id") ?? "");
  return erasure === undefined ? refusedMissing(c, "erasure") : erasureReply(c, erasure);
}

function erasureReply(c: Context<EdgeEnv>, erasure: Erasure): Response {
  const { id, pseudonym, phase, counts, startedAt, endedAt } = erasure;
  const body: ErasureBody = {
    id,
    object: "erasure",
    account: pseudonym,
    status: endedAt === null ? "running" : "done",
    phase,
    erased: counts,
    started_at: new Date(startedAt).toISOString(),
    ended_at: endedAt === null ? null : new Date(endedAt).toISOString(),
  };
  const headers = { "cache-control": "no-store", location: `/v1/erasures/${id}` };
  return c.json(body, endedAt === null ? 202 : 200, headers);
}

const replies = {
  202: {
    description: "It is under way: come back to `Location`, which needs no key.",
    headers: ["Location"],
    content: jsonContent(erasureSchema),
  },
  200: { description: "It is done.", headers: ["Location"], content: jsonContent(erasureSchema) },
} as const;

const description =
  "For ever. Its keys, client tokens and sessions open nothing from now on (within a minute everywhere); what is under way is cancelled; questions, pictures, answers, cached copies, webhooks, usage and refusals go within some twenty minutes. The lines of its ledger stay, under the name that `account` tells. Asked again it tells how far it is.";

/** How these routes read in the API's description. */
export const erasureRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/account/erase",
    operationId: "eraseOwnAccount",
    summary: "Erase your own account",
    description: `${description} Needs a key with the scope \`keys\`.`,
    security: byKey,
    request: jsonBody(eraseAccountSchema),
    responses: replies,
  },
  {
    method: "post",
    path: "/v1/accounts/{id}/erase",
    operationId: "eraseAccount",
    summary: "Erase an account",
    description,
    security: byAdministrator,
    request: { params: z.object({ id: z.string() }), ...jsonBody(eraseAccountSchema) },
    responses: replies,
  },
  {
    method: "get",
    path: "/v1/erasures/{id}",
    operationId: "showErasure",
    summary: "Show how far an erasure is",
    description: "Whoever has its id may see it: nobody guesses one.",
    request: { params: z.object({ id: z.string() }) },
    responses: replies,
  },
];
