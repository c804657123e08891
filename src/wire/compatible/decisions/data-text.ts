import * as z from "zod";
import { MAX_DATA_DEPTH } from "../../limits.ts";

/** What a caller says in words or as data. */
export type Content = string | object;

/** Schema of it, with the limit below which it can be written as text. */
export const contentSchema: z.ZodType<Content> = z
  .custom<Content>((value) => isContent(value) && isShallow(value), {
    error: ({ input }) => (isContent(input) ? TOO_DEEP : "must be text, an object or a list"),
  })
  .meta({ description: "Text, or an object or a list that is told as JSON." });

/** Schema of data that is no text. */
export const dataSchema: z.ZodType<object> = z
  .custom<object>((value) => isData(value) && isShallow(value), {
    error: ({ input }) => (isData(input) ? TOO_DEEP : "must be an object or a list"),
  })
  .meta({ description: "An object or a list: it is told as JSON." });

const TOO_DEEP = `is nested deeper than ${MAX_DATA_DEPTH} levels`;

/** Says content in words: data as JSON, its members in the order in which they came. */
export function textOfContent(content: Content): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}

function isContent(value: unknown): boolean {
  return typeof value === "string" || isData(value);
}

function isData(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Level by level, so that what is too deep for a stack is found without one. */
function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth <= MAX_DATA_DEPTH; depth += 1) {
    level = level.flatMap((one) => (isData(one) ? Object.values(one as object) : []));
    if (level.length === 0) return true;
  }
  return false;
}
