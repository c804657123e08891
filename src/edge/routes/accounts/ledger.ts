import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { toNumber } from "#domain/micros.ts";
import { ok, type Result } from "#domain/result.ts";
import {
  type LedgerEntryBody,
  ledgerListSchema,
  ledgerQuerySchema,
} from "#wire/api/accounts/usage.ts";
import { decodeCursor, encodeCursor, type Page } from "#wire/api/page.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { ledgerOf } from "../../ledger/ledger-client.ts";
import type { LedgerEntry } from "../../ledger/ledger-service.ts";
import { describedQuery, readQuery } from "../body.ts";
import { byKey, listOrCsv, type RouteConfig } from "../describe/route.ts";
import { exportReply } from "../list.ts";

/** `GET /v1/ledger`: the account's entries as its single writer keeps them, newest first. */
export async function listEntries(c: Context<EdgeEnv>): Promise<Response> {
  return await entriesReply(c, c.get("key").accountId);
}

/** Replies with the entries of an account that a request asks for. */
export async function entriesReply(c: Context<EdgeEnv>, accountId: string): Promise<Response> {
  const query = readQuery(c, ledgerQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after, format, from, to, kind } = query.value;
  const ledger = ledgerOf(c.env, accountId);
  const read = async (
    cursor: string | undefined,
    count: number,
  ): Promise<Result<Page<LedgerEntryBody>, Failure>> => {
    const place = cursor === undefined ? ok(undefined) : decodeCursor(cursor, placeSchema);
    if (!place.ok) return place;
    const { entries, nextBefore } = await ledger.entries({
      limit: count,
      ...(place.value === undefined ? {} : { before: place.value[0] }),
      ...(from === undefined ? {} : { from: Date.parse(from) }),
      ...(to === undefined ? {} : { until: Date.parse(to) + DAY_MS }),
      ...(kind === undefined ? {} : { kind }),
    });
    return ok({
      object: "list",
      data: entries.map(entryBody),
      has_more: nextBefore !== null,
      next_cursor: nextBefore === null ? null : encodeCursor([nextBefore]),
    });
  };
  return await exportReply(c, { limit, after, format }, { read, columns });
}

const DAY_MS = 24 * 3_600_000;

function entryBody(entry: LedgerEntry): LedgerEntryBody {
  return {
    seq: entry.seq,
    kind: entry.kind,
    amount_micros: toNumber(entry.amount),
    available_micros: toNumber(entry.available),
    answer: entry.holdId,
    key: entry.keyId,
    reference: entry.reference,
    note: entry.note,
    created_at: new Date(entry.at).toISOString(),
  };
}

const columns: readonly (keyof LedgerEntryBody)[] = [
  ...(["seq", "created_at", "kind", "amount_micros", "available_micros"] as const),
  ...(["answer", "key", "reference", "note"] as const),
];

const placeSchema: z.ZodType<readonly [number]> = z.tuple([z.int().nonnegative()]);

/** How `GET /v1/ledger` reads in the API's description. */
export const listEntriesRoute: RouteConfig = {
  method: "get",
  path: "/v1/ledger",
  operationId: "listEntries",
  summary: "Show the account's ledger",
  description:
    "CSV with format=csv or Accept: text/csv: everything from `from` to `to`, or one page where `limit` is given, whose Link header leads to the next.",
  security: byKey,
  request: { query: describedQuery(ledgerQuerySchema) },
  responses: {
    200: listOrCsv("Entries, newest first.", ledgerListSchema),
  },
};
