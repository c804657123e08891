import type { Context } from "hono";
import { z } from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { checkFields } from "#wire/api/page.ts";
import { parseJson } from "#wire/function/generate.ts";
import type { EdgeEnv } from "../env.ts";

/** Reads a JSON body. Refuses with `unsupported_media_type` and `invalid_request`. */
export async function readBody<Body>(
  c: Context<EdgeEnv>,
  schema: z.ZodType<Body>,
): Promise<Result<Body, Failure>> {
  const bytes = await readJsonBytes(c);
  if (!bytes.ok) return bytes;
  const json = parseJson(bytes.value);
  return json.ok ? checkFields(json.value, schema) : json;
}

/** Reads the bytes of a body that must be JSON. Refuses with `unsupported_media_type`. */
export async function readJsonBytes(
  c: Context<EdgeEnv>,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const contentType = mediaTypeOf(c).slice(0, 100);
  if (contentType === "application/json") return ok(new Uint8Array(await c.req.arrayBuffer()));
  return refuse({ kind: "unsupported_media_type", contentType, supported: "application/json" });
}

/** Media type of a request's body in lower case, without parameters; empty where none is named. */
export function mediaTypeOf(c: Context<EdgeEnv>): string {
  return (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Reads the fields of a query. Refuses with `invalid_request`, with pointers `/<field>`. */
export function readQuery<Query>(
  c: Context<EdgeEnv>,
  schema: z.ZodType<Query>,
): Result<Query, Failure> {
  return checkFields(c.req.query(), schema);
}

/** Lets a query's schema stand in the API's description, which takes objects only. Throws TypeError for any other schema. */
export function describedQuery(schema: z.ZodType): z.ZodObject {
  if (!(schema instanceof z.ZodObject)) throw new TypeError("a query is described by its fields");
  return schema;
}
