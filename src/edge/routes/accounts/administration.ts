import type { Context } from "hono";
import * as z from "zod";
import {
  type FunctionBody,
  functionListSchema,
  type RegisteredFunctionBody,
  shownAccountSchema,
} from "#wire/api/accounts/administration.ts";
import {
  ledgerListSchema,
  ledgerQuerySchema,
  usageListSchema,
  usageQuerySchema,
} from "#wire/api/accounts/usage.ts";
import type { Page } from "#wire/api/page.ts";
import { type Account, AccountTable } from "../../accounts/account-store.ts";
import type { EdgeEnv } from "../../env.ts";
import { ownFleet } from "../../fleet/fleet-memory.ts";
import { leftOfLoad } from "../../fleet/policy/finish.ts";
import { isHeard } from "../../fleet/policy/pool.ts";
import { shardsOf } from "../../fleet/shards.ts";
import { readStatus } from "../../function/client.ts";
import { refusedMissing } from "../../guard/errors.ts";
import { settingsOf } from "../../settings.ts";
import { describedQuery } from "../body.ts";
import {
  byAdministrator,
  bySession,
  jsonContent,
  listOrCsv,
  type RouteConfig,
} from "../describe/route.ts";
import { pageReply } from "../list.ts";
import { standingOf } from "./account.ts";
import { accountBody } from "./accounts.ts";
import { entriesReply } from "./ledger.ts";
import { usageReply } from "./usage.ts";

/** `GET /v1/accounts/{id}`: an account, and where its money stands. */
export async function showAccount(c: Context<EdgeEnv>): Promise<Response> {
  const account = await accountOf(c);
  if (account === undefined) return refusedMissing(c, "account");
  const standing = await standingOf(c.env, account, Date.now());
  return c.json({ ...accountBody(account), ...standing }, 200, { "cache-control": "no-store" });
}

/** `GET /v1/accounts/{id}/ledger`: its entries, as its holder sees them: grants, refunds, charges. */
export async function listAccountEntries(c: Context<EdgeEnv>): Promise<Response> {
  const account = await accountOf(c);
  return account === undefined ? refusedMissing(c, "account") : await entriesReply(c, account.id);
}

/** `GET /v1/accounts/{id}/usage`: what its keys asked, as its holder sees it. */
export async function listAccountUsage(c: Context<EdgeEnv>): Promise<Response> {
  const account = await accountOf(c);
  return account === undefined
    ? refusedMissing(c, "account")
    : await usageReply(c, { accountId: account.id, owner: null });
}

const UNTOLD_LOAD = { running: null, places: null, queued: null, queued_steps: null } as const;

/** `GET /v1/functions`: the inference functions of the settings, and what each says of itself. */
export async function listFunctions(c: Context<EdgeEnv>): Promise<Response> {
  const requestId = c.get("requestId");
  const { signal } = c.req.raw;
  const data = await Promise.all(
    settingsOf(c.env).functionUrls.map(async (functionUrl): Promise<FunctionBody> => {
      const status = await readStatus({ functionUrl, requestId, signal });
      const told = status.ok ? status.value : ({ state: "unreachable" } as const);
      return { ...UNTOLD_LOAD, ...told, object: "function", url: functionUrl };
    }),
  );
  const page: Page<FunctionBody | RegisteredFunctionBody> = {
    object: "list",
    data: [...data, ...(await registeredFunctions(c))],
    has_more: false,
    next_cursor: null,
  };
  return pageReply(c, page);
}

async function registeredFunctions(
  c: Context<EdgeEnv>,
): Promise<readonly RegisteredFunctionBody[]> {
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
  const caller = { FLEET: c.env.FLEET, requestId: c.get("requestId"), waitUntil };
  const shards = await Promise.all(
    shardsOf(settingsOf(c.env)).map((shard) => ownFleet.shard(shard, caller)),
  );
  const now = Date.now();
  return shards.flatMap(({ functions, loads }) =>
    functions.map((report): RegisteredFunctionBody => {
      const { url, region, model, provider, digest, numerics, load, heardAt, state } = report;
      const isLoading = state.kind === "loading" || state.kind === "asleep";
      return {
        object: "registered_function",
        ...{ url, region, model, provider, model_digest: digest, numerics },
        state: isHeard(report, now) ? state.kind : "lost",
        eta_seconds: isLoading ? Math.ceil(leftOfLoad(report, loads, now) / 1000) : null,
        ...{ running: load.running, places: load.places, queued: load.waiting },
        ...{ queued_steps: load.queuedSteps, ms_per_step: load.msPerStep },
        heard_at: new Date(heardAt).toISOString(),
      };
    }),
  );
}

async function accountOf(c: Context<EdgeEnv>): Promise<Account | undefined> {
  return await new AccountTable(c.env.DB).find(c.req.param("id") ?? "");
}

const security = [...byAdministrator, ...bySession];
const params = z.object({ id: z.string() });

/** How these routes read in the API's description. */
export const administrationRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/accounts/{id}",
    operationId: "showAccount",
    summary: "Show an account",
    security,
    request: { params },
    responses: {
      200: {
        description: "The account, and where its money stands.",
        content: jsonContent(shownAccountSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/accounts/{id}/ledger",
    operationId: "listAccountEntries",
    summary: "Show an account's ledger",
    description: "As its holder's `GET /v1/ledger`.",
    security,
    request: { params, query: describedQuery(ledgerQuerySchema) },
    responses: {
      200: listOrCsv("Entries, newest first.", ledgerListSchema),
    },
  },
  {
    method: "get",
    path: "/v1/accounts/{id}/usage",
    operationId: "listAccountUsage",
    summary: "Show an account's usage",
    description: "As its holder's `GET /v1/usage`.",
    security,
    request: { params, query: describedQuery(usageQuerySchema) },
    responses: {
      200: listOrCsv("Usage, latest day first.", usageListSchema),
    },
  },
  {
    method: "get",
    path: "/v1/functions",
    operationId: "listFunctions",
    summary: "Show the functions",
    description:
      "What each inference function of the settings says of itself at this moment: how far its weights are, and how much it has to do. Behind them those that registered by themselves, as they were heard last: up to 128 of a model in a region.",
    security,
    responses: { 200: { description: "All of them.", content: jsonContent(functionListSchema) } },
  },
];
