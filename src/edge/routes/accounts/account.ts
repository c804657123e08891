import type { Context } from "hono";
import { type Forecast, forecast, forecastFrom } from "#domain/forecast.ts";
import { toNumber } from "#domain/micros.ts";
import {
  type OwnAccountBody,
  ownAccountSchema,
  type StandingBody,
} from "#wire/api/accounts/account.ts";
import { rateLimitsBody } from "#wire/api/accounts/limits-body.ts";
import { retentionBody } from "#wire/api/retention-body.ts";
import { type Account, AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import { type LedgerBinding, ledgerOf } from "../../ledger/ledger-client.ts";
import { settingsOf } from "../../settings.ts";
import { UsageIndex } from "../../usage/usage-index.ts";
import { byKey, bySession, jsonContent, type RouteConfig } from "../describe/route.ts";
import { providerOf } from "./payments.ts";

/** `GET /v1/account`: the account of who asks, and where its money stands. */
export async function showOwnAccount(c: Context<EdgeEnv>): Promise<Response> {
  const key = c.get("key");
  const account = await new AccountTable(c.env.DB).find(key.accountId);
  if (account === undefined) throw new Error(`key ${key.id} is of no account`);
  const { id, name, environment, scopes } = key;
  const provider = providerOf(c);
  const body: OwnAccountBody = {
    id: account.id,
    object: "account",
    name: account.name,
    limits: rateLimitsBody(account.limits),
    retention: retentionBody({ ...settingsOf(c.env).retention, ...account.retention }),
    credit_low_micros: account.creditLow === null ? null : toNumber(account.creditLow),
    created_at: new Date(account.createdAt).toISOString(),
    ...(await standingOf(c.env, account, Date.now())),
    top_up: provider === undefined ? null : { url: provider.checkoutUrl(account.id) },
    key: c.get("session")?.keyId === null ? null : { id, name, environment, scopes },
  };
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** Beyond it no time is told: dates end. */
const LONGEST_DAYS = 36_500;

const DAY_MS = 24 * 3_600_000;

/** Says where an account's money stands: the balance by its ledger, the rate by the copy of usage, which is seconds behind. */
export async function standingOf(
  bindings: LedgerBinding & { readonly DB: D1Database },
  { id, createdAt }: Account,
  now: number,
): Promise<StandingBody> {
  const [{ balances: balance, owed }, spent] = await Promise.all([
    ledgerOf(bindings, id).standing(),
    new UsageIndex(bindings.DB).spentSince(id, forecastFrom(now)),
  ]);
  return {
    balance: {
      available_micros: toNumber(balance.available),
      held_micros: toNumber(balance.held),
      spent_micros: toNumber(balance.revenue),
      owed_micros: toNumber(owed),
    },
    forecast: forecastBody(forecast(balance.available, spent, createdAt, now), now),
  };
}

function forecastBody(
  { daysObserved, spendPerDay, daysLeft }: Forecast,
  now: number,
): StandingBody["forecast"] {
  const isTold = daysLeft !== null && daysLeft <= LONGEST_DAYS;
  return {
    days_observed: Math.round(daysObserved * 10) / 10,
    spend_per_day_micros: toNumber(spendPerDay),
    days_left: daysLeft,
    empty_at: isTold ? new Date(now + daysLeft * DAY_MS).toISOString() : null,
  };
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
