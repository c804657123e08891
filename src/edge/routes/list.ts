import type { Context } from "hono";
import { csvOf } from "#wire/csv.ts";
import type { Page } from "#wire/page.ts";
import type { ListFormat } from "#wire/usage.ts";
import type { EdgeEnv } from "../env.ts";
import { preferredType } from "../guard/accept.ts";

/** Replies with a page of a list; `Link` leads to the next one. Source: RFC 8288. */
export function pageReply<Item>(c: Context<EdgeEnv>, page: Page<Item>): Response {
  return c.json(page, 200, { "cache-control": "no-store", ...linkOf(c, page) });
}

/** Replies with a page as JSON, or as CSV where `format=csv` or `Accept: text/csv` asks for it. */
export function exportReply<Item extends object>(
  c: Context<EdgeEnv>,
  page: Page<Item>,
  format: ListFormat | undefined,
  columns: readonly (keyof Item & string)[],
): Response {
  const accepted = preferredType(c.req.header("accept"), ["application/json", "text/csv"]);
  if ((format ?? (accepted === "text/csv" ? "csv" : "json")) === "json") return pageReply(c, page);
  return c.body(csvOf(columns, page.data), 200, {
    "content-type": "text/csv; charset=utf-8; header=present",
    "cache-control": "no-store",
    ...linkOf(c, page),
  });
}

function linkOf<Item>(c: Context<EdgeEnv>, { next_cursor }: Page<Item>): Record<string, string> {
  if (next_cursor === null) return {};
  const next = new URL(c.req.url);
  next.searchParams.set("after", next_cursor);
  return { link: `<${next.pathname}${next.search}>; rel="next"` };
}
