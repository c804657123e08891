import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { parseJson } from "../body/parse-json.ts";
import { problemsOf } from "../field-problems.ts";

/** One page of a list. */
export interface Page<Item> {
  readonly object: "list";
  readonly data: readonly Item[];
  readonly has_more: boolean;
  /** Give it as `after` to read on; null on the last page. */
  readonly next_cursor: string | null;
}

/** Which page is asked for. */
export interface PageQuery {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Threat: a page that fills the isolate. A hundred rows are a few ten KB. */
export const MAX_PAGE_LIMIT = 100;
const DEFAULT_PAGE_LIMIT = 20;

/** A cursor is a handful of ids; what is longer was not made here. */
const MAX_CURSOR_LENGTH = 600;

/** Query fields of every list. */
export const pageFields: { limit: z.ZodType<number>; after: z.ZodType<string | undefined> } = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_LIMIT).default(DEFAULT_PAGE_LIMIT),
  after: z.string().min(1).max(MAX_CURSOR_LENGTH).optional(),
};

/** Schema of a page, for the API's description. */
export function pageSchema<Item>(item: z.ZodType<Item>, id: string): z.ZodType<Page<Item>> {
  return z
    .strictObject({
      object: z.literal("list"),
      data: z.array(item),
      has_more: z.boolean(),
      next_cursor: z.string().nullable(),
    })
    .meta({ id });
}

/** Makes a page of up to `limit` items from one item more than that, which only tells whether there is more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  render: (row: Row) => Item,
  place: (row: Row) => readonly (string | number)[],
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return {
    object: "list",
    data: shown.map(render),
    has_more: hasMore,
    next_cursor: hasMore ? encodeCursor(place(last)) : null,
  };
}

/** Writes a place in a list; opaque to callers, so that its making may change. */
export function encodeCursor(place: readonly (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(place));
  // Not all at once: a place may be longer than a call may have arguments.
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** Reads a place that `encodeCursor` wrote. Refuses with `invalid_request` at `pointer`. */
export function decodeCursor<Place>(
  cursor: string,
  schema: z.ZodType<Place>,
  pointer: "/after" | "/cursor" = "/after",
): Result<Place, Failure> {
  const problem = {
    pointer,
    message: `is no cursor of this ${pointer === "/after" ? "list" : "operation"}`,
  };
  const refusal = refuse<Failure>({ kind: "invalid_request", problems: [problem] });
  if (!/^[0-9A-Za-z_-]+$/.test(cursor) || cursor.length % 4 === 1) return refusal;
  const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  const json = parseJson(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  const place = json.ok ? schema.safeParse(json.value) : undefined;
  return place?.success === true ? ok(place.data) : refusal;
}

/** Checks a body or the fields of a query. Refuses with `invalid_request`, naming each field by JSON Pointer. */
export function checkFields<Fields>(
  value: unknown,
  schema: z.ZodType<Fields>,
): Result<Fields, Failure> {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? ok(parsed.data)
    : refuse({ kind: "invalid_request", problems: problemsOf(parsed.error) });
}
