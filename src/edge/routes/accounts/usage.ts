import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import { type UsageRow, usageListSchema, usageQuerySchema } from "#wire/api/accounts/usage.ts";
import { decodeCursor, type Page, pageOf } from "#wire/api/page.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import type { Viewer } from "../../keys/viewer.ts";
import { UsageIndex, type UsagePlace } from "../../usage/usage-index.ts";
import { describedQuery, readQuery } from "../body.ts";
import { byKey, listOrCsv, type RouteConfig } from "../describe/route.ts";
import { exportReply } from "../list.ts";
import { viewerIn } from "../reply-headers.ts";

/** `GET /v1/usage`: what the account's keys asked, by day, key and model, latest day first. */
export async function listUsage(c: Context<EdgeEnv>): Promise<Response> {
  return await usageReply(c, viewerIn(c));
}

/** Replies with the usage of an account, or of one owner in it, that a request asks for. */
export async function usageReply(c: Context<EdgeEnv>, viewer: Viewer): Promise<Response> {
  const query = readQuery(c, usageQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after, format, ...filter } = query.value;
  const usage = new UsageIndex(c.env.DB);
  const wanted = { ...viewer, ...filter };
  const read = async (
    from: string | undefined,
    count: number,
  ): Promise<Result<Page<UsageRow>, Failure>> => {
    const place = from === undefined ? ok(undefined) : decodeCursor(from, placeSchema);
    if (!place.ok) return place;
    const rows = await usage.list(wanted, place.value, count + 1);
    return ok(
      pageOf(
        rows,
        count,
        (row) => row,
        ({ day, key, model }) => [day, key, model],
      ),
    );
  };
  return await exportReply(c, { limit, after, format }, { read, columns });
}

const columns: readonly (keyof UsageRow)[] = [
  ...(["day", "key", "model", "answers", "steps", "charged_micros"] as const),
];

const placeSchema: z.ZodType<UsagePlace> = z.tuple([z.iso.date(), z.string(), z.string()]);

/** How `GET /v1/usage` reads in the API's description. */
export const listUsageRoute: RouteConfig = {
  method: "get",
  path: "/v1/usage",
  operationId: "listUsage",
  summary: "Show usage by day, key and model",
  description:
    "Seconds behind the ledger, which is the truth. CSV with format=csv or Accept: text/csv: everything from `from` to `to`, or one page where `limit` is given, whose Link header leads to the next.",
  security: byKey,
  request: { query: describedQuery(usageQuerySchema) },
  responses: {
    200: listOrCsv("Usage, latest day first.", usageListSchema),
  },
};
