import type { Context } from "hono";
import { toNumber } from "#domain/micros.ts";
import { type OwnAccountBody, ownAccountSchema } from "#wire/api/accounts/account.ts";
import { rateLimitsBody } from "#wire/api/accounts/limits-body.ts";
import { AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import { byKey, bySession, jsonContent, type RouteConfig } from "../describe/route.ts";
import { standingOf } from "./standing.ts";

/** `GET /v1/account`: the account of who asks, and where its money stands. */
export async function showOwnAccount(c: Context<EdgeEnv>): Promise<Response> {
  const key = c.get("key");
  const account = await new AccountTable(c.env.DB).find(key.accountId);
  if (account === undefined) throw new Error(`key ${key.id} is of no account`);
  const { id, name, environment, scopes } = key;
  const body: OwnAccountBody = {
    id: account.id,
    object: "account",
    name: account.name,
    limits: rateLimitsBody(account.limits),
    credit_low_micros: account.creditLow === null ? null : toNumber(account.creditLow),
    created_at: new Date(account.createdAt).toISOString(),
    ...(await standingOf(c.env, account, Date.now())),
    key: c.get("session")?.keyId === null ? null : { id, name, environment, scopes },
  };
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** How `GET /v1/account` reads in the API's description. */
export const showOwnAccountRoute: RouteConfig = {
  method: "get",
  path: "/v1/account",
  operationId: "showOwnAccount",
  summary: "Show your own account",
  description:
    "The balance is the ledger's; how long it lasts goes by the mean of the last seven days.",
  security: [...byKey, ...bySession],
  responses: { 200: { description: "The account.", content: jsonContent(ownAccountSchema) } },
};
