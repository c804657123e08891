import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import type { ListFormat } from "#wire/api/accounts/usage.ts";
import { csvHead, csvLines } from "#wire/api/csv.ts";
import type { Page, PageQuery } from "#wire/api/page.ts";
import type { EdgeEnv } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { preferredType } from "../headers/accept.ts";

/** Replies with a page of a list; `Link` leads to the next one. Source: RFC 8288. */
export function pageReply<Item>(c: Context<EdgeEnv>, page: Page<Item>): Response {
  return c.json(page, 200, { "cache-control": "no-store", ...linkOf(c, page) });
}

/** A list that can be had page by page and, as CSV, as a whole. */
export interface Export<Item extends object> {
  /** Reads the page that begins behind a cursor, or the first. Refuses with `invalid_request` what is no cursor. */
  readonly read: (after: string | undefined, limit: number) => Promise<Result<Page<Item>, Failure>>;
  readonly columns: readonly (keyof Item & string)[];
}

/** Rows that are read at once for an export: some hundred KB, a small part of what an isolate holds. */
const EXPORT_PAGE = 1000;

/**
 * Replies with a page as JSON. Where `format=csv` or `Accept: text/csv` asks for it, with CSV: of everything that was
 * asked for, read and sent page by page as the client takes it, or of one page where the request names a limit.
 */
export async function exportReply<Item extends object>(
  c: Context<EdgeEnv>,
  { limit, after, format }: PageQuery & { readonly format?: ListFormat | undefined },
  { read, columns }: Export<Item>,
): Promise<Response> {
  const accepted = preferredType(c.req.header("accept"), ["application/json", "text/csv"]);
  const isCsv = format === "csv" || (format === undefined && accepted === "text/csv");
  const isWhole = isCsv && c.req.query("limit") === undefined;
  const first = await read(after, isWhole ? EXPORT_PAGE : limit);
  if (!first.ok) return refused(c, first.refusal);
  if (!isCsv) return pageReply(c, first.value);
  const body = isWhole
    ? csvStream(columns, first.value, (next) => read(next, EXPORT_PAGE))
    : csvHead(columns) + csvLines(columns, first.value.data);
  return c.body(body, 200, {
    "content-type": "text/csv; charset=utf-8; header=present",
    "cache-control": "no-store",
    ...(isWhole ? {} : linkOf(c, first.value)),
  });
}

/** A page that cannot be read breaks the transfer off: a file that ends early must not look whole. */
function csvStream<Item extends object>(
  columns: readonly (keyof Item & string)[],
  first: Page<Item>,
  readOn: (after: string) => Promise<Result<Page<Item>, Failure>>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let page = first;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(csvHead(columns) + csvLines(columns, page.data)));
    },
    async pull(controller) {
      if (page.next_cursor === null) return controller.close();
      const next = await readOn(page.next_cursor);
      if (!next.ok) throw new Error(`a cursor of ours was refused: ${next.refusal.kind}`);
      page = next.value;
      controller.enqueue(encoder.encode(csvLines(columns, page.data)));
    },
  });
}

function linkOf<Item>(c: Context<EdgeEnv>, { next_cursor }: Page<Item>): Record<string, string> {
  if (next_cursor === null) return {};
  const next = new URL(c.req.url);
  next.searchParams.set("after", next_cursor);
  return { link: `<${next.pathname}${next.search}>; rel="next"` };
}
