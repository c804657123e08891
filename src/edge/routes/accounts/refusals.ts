import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import {
  type RefusalRow,
  refusalListSchema,
  refusalQuerySchema,
} from "#wire/api/accounts/refusals.ts";
import { decodeCursor, type Page, pageOf } from "#wire/api/page.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { RefusalIndex, type RefusalPlace } from "../../usage/refusal-index.ts";
import { describedQuery, readQuery } from "../body.ts";
import { byKey, bySession, listOrCsv, type RouteConfig } from "../describe/route.ts";
import { exportReply } from "../list.ts";

/** `GET /v1/refusals`: how often the account's keys were refused, by day, key and code, latest day first. */
export async function listRefusals(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, refusalQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after, format, ...filter } = query.value;
  const refusals = new RefusalIndex(c.env.DB);
  const wanted = { accountId: c.get("key").accountId, ...filter };
  const read = async (
    from: string | undefined,
    count: number,
  ): Promise<Result<Page<RefusalRow>, Failure>> => {
    const place = from === undefined ? ok(undefined) : decodeCursor(from, placeSchema);
    if (!place.ok) return place;
    const rows = await refusals.list(wanted, place.value, count + 1);
    return ok(
      pageOf(
        rows,
        count,
        (row) => row,
        ({ day, key, code }) => [day, key, code],
      ),
    );
  };
  return await exportReply(c, { limit, after, format }, { read, columns });
}

const columns: readonly (keyof RefusalRow)[] = ["day", "key", "code", "count"];

const placeSchema: z.ZodType<RefusalPlace> = z.tuple([z.iso.date(), z.string(), z.string()]);

/** How `GET /v1/refusals` reads in the API's description. */
export const listRefusalsRoute: RouteConfig = {
  method: "get",
  path: "/v1/refusals",
  operationId: "listRefusals",
  summary: "Show refusals by day, key and code",
  description:
    "Of requests that came with a valid key. Seconds behind, and counted by the Workers: one that dies takes its last second's counts with it. CSV as with usage.",
  security: [...byKey, ...bySession],
  request: { query: describedQuery(refusalQuerySchema) },
  responses: {
    200: listOrCsv("Refusals, latest day first.", refusalListSchema),
  },
};
