import type { Context } from "hono";
import * as z from "zod";
import { micros, toNumber } from "#domain/micros.ts";
import {
  type AccountBody,
  accountListQuerySchema,
  accountListSchema,
  accountSchema,
  changeAccountSchema,
  createAccountSchema,
  type GrantedBody,
  grantedSchema,
  grantSchema,
  type RefundedBody,
  refundedSchema,
  refundSchema,
} from "#wire/api/accounts/accounts.ts";
import { rateLimitsBody, rateLimitsOf } from "#wire/api/accounts/limits-body.ts";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import { someRetentionBody } from "#wire/api/retention-body.ts";
import { type Account, AccountTable } from "../../accounts/account-store.ts";
import { ledgersMoved } from "../../accounts/ledger-marks.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { newId } from "../../id.ts";
import { ledgerOf } from "../../ledger/ledger-client.ts";
import { isErasedId } from "../../retention/account-rows.ts";
import { settingsOf } from "../../settings.ts";
import { describedQuery, readBody, readQuery } from "../body.ts";
import { byAdministrator, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import { pageReply } from "../list.ts";

/** `POST /v1/accounts`: opens an account, without credit. */
export async function createAccount(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, createAccountSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { id = newId("acc"), name, limits, stripe_customer_id = null } = body.value;
  const account = {
    id,
    name,
    limits: limits === undefined ? settingsOf(c.env).accountLimits : rateLimitsOf(limits),
    stripeCustomerId: stripe_customer_id,
    createdAt: Date.now(),
  };
  // Of an account that was erased nothing comes back, so nothing may begin under its name.
  if (await isErasedId(c.env.DB, id)) return refused(c, { kind: "already_exists", id });
  const isNew = await new AccountTable(c.env.DB).insert(account);
  const opened: Account = { ...account, creditLow: null, retention: {} };
  return isNew ? c.json(accountBody(opened), 201) : refused(c, { kind: "already_exists", id });
}

/** `GET /v1/accounts`: lists accounts, oldest first. */
export async function listAccounts(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, accountListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, placeSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const accounts = await new AccountTable(c.env.DB).list(place?.value, limit + 1);
  return pageReply(
    c,
    pageOf(accounts, limit, accountBody, ({ createdAt, id }) => [createdAt, id]),
  );
}

/** `PATCH /v1/accounts/{id}`: changes how fast all keys of an account may ask together, whom the export bills, and when the account is told that its credit runs low. */
export async function changeAccount(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, changeAccountSchema);
  if (!body.ok) return refused(c, body.refusal);
  const changed = await new AccountTable(c.env.DB).change(c.req.param("id") ?? "", body.value);
  if (changed === undefined) return refusedMissing(c, "account");
  // Should the ledger not hear of it, the caller hears a fault and changes it again.
  if (body.value.credit_low_micros !== undefined)
    await ledgerOf(c.env, changed.id).setLowCreditAlert({
      accountId: changed.id,
      threshold: changed.creditLow,
    });
  return c.json(accountBody(changed));
}

/** `POST /v1/accounts/{id}/grants`: gives credit, once per id of the grant. */
export async function grantCredit(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, grantSchema);
  if (!body.ok) return refused(c, body.refusal);
  const account = await new AccountTable(c.env.DB).find(c.req.param("id") ?? "");
  if (account === undefined) return refusedMissing(c, "account");
  const { id = newId("grt"), amount_micros } = body.value;
  const granted = await ledgerOf(c.env, account.id).grant({
    grantId: id,
    amount: micros(amount_micros),
    note: "granted by the administrator",
  });
  if (!granted.ok) return refused(c, granted.refusal);
  await ledgersMoved(c.env.DB, [account.id], Date.now()).run();
  const reply: GrantedBody = {
    object: "grant",
    id,
    account: account.id,
    amount_micros,
    repeated: granted.value.isRepeat,
  };
  return c.json(reply, 201);
}

/** `POST /v1/accounts/{id}/refunds`: gives back what an answer was charged or a part of it, once per id of the refund. */
export async function refundAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, refundSchema);
  if (!body.ok) return refused(c, body.refusal);
  const account = await new AccountTable(c.env.DB).find(c.req.param("id") ?? "");
  if (account === undefined) return refusedMissing(c, "account");
  const { id = newId("rfd"), answer, amount_micros } = body.value;
  const refunded = await ledgerOf(c.env, account.id).refund({
    refundId: id,
    accountId: account.id,
    holdId: answer,
    amount: micros(amount_micros),
    note: "refunded by the administrator",
  });
  if (!refunded.ok) return refused(c, refunded.refusal);
  const reply: RefundedBody = {
    object: "refund",
    id,
    account: account.id,
    answer,
    amount_micros,
    repeated: refunded.value.isRepeat,
  };
  return c.json(reply, 201);
}

/** A place in a list that is ordered by creation. */
export const placeSchema: z.ZodType<readonly [number, string]> = z.tuple([z.int(), z.string()]);

/** An account as bodies tell it. */
export function accountBody({
  id,
  name,
  limits,
  stripeCustomerId,
  creditLow,
  retention,
  createdAt,
}: Account): AccountBody {
  return {
    id,
    object: "account",
    name,
    limits: rateLimitsBody(limits),
    stripe_customer_id: stripeCustomerId,
    credit_low_micros: creditLow === null ? null : toNumber(creditLow),
    retention: someRetentionBody(retention),
    created_at: new Date(createdAt).toISOString(),
  };
}

/** How these routes read in the API's description. */
export const accountRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/accounts",
    operationId: "createAccount",
    summary: "Open an account",
    security: byAdministrator,
    request: jsonBody(createAccountSchema),
    responses: {
      201: {
        description: "The account, without credit.",
        content: jsonContent(accountSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/accounts",
    operationId: "listAccounts",
    summary: "List accounts",
    security: byAdministrator,
    request: { query: describedQuery(accountListQuerySchema) },
    responses: {
      200: {
        description: "Accounts, oldest first.",
        headers: ["Link"],
        content: jsonContent(accountListSchema),
      },
    },
  },
  {
    method: "patch",
    path: "/v1/accounts/{id}",
    operationId: "changeAccount",
    summary: "Change an account",
    description: "Limits take effect everywhere within 60 seconds.",
    security: byAdministrator,
    request: {
      params: z.object({ id: z.string() }),
      ...jsonBody(changeAccountSchema),
    },
    responses: {
      200: {
        description: "The account.",
        content: jsonContent(accountSchema),
      },
    },
  },
  {
    method: "post",
    path: "/v1/accounts/{id}/grants",
    operationId: "grantCredit",
    summary: "Grant credit",
    security: byAdministrator,
    request: {
      params: z.object({ id: z.string() }),
      ...jsonBody(grantSchema),
    },
    responses: {
      201: {
        description: "Granted. The same id sent again grants nothing more; `repeated` says so.",
        content: jsonContent(grantedSchema),
      },
    },
  },
  {
    method: "post",
    path: "/v1/accounts/{id}/refunds",
    operationId: "refundAnswer",
    summary: "Refund an answer",
    description: "All refunds of an answer together give back at most what it was charged.",
    security: byAdministrator,
    request: {
      params: z.object({ id: z.string() }),
      ...jsonBody(refundSchema),
    },
    responses: {
      201: {
        description: "Refunded. The same id sent again gives nothing more; `repeated` says so.",
        content: jsonContent(refundedSchema),
      },
    },
  },
];
