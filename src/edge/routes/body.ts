import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { checkFields } from "#wire/api/page.ts";
import { type JsonBody, JsonBodyReader } from "#wire/body/json-body.ts";
import { boundaryOf, type FormPart, MultipartReader } from "#wire/body/multipart.ts";
import { MAX_BODY_BYTES } from "#wire/limits.ts";
import { byteWindows } from "../byte-windows.ts";
import type { EdgeEnv } from "../env.ts";

/** Reads a JSON body. Refuses with `unsupported_media_type` and `invalid_request`. */
export async function readBody<Body>(
  c: Context<EdgeEnv>,
  schema: z.ZodType<Body>,
): Promise<Result<Body, Failure>> {
  const body = await readJson(c);
  if (!body.ok) return body;
  const json = body.value.parse();
  return json.ok ? checkFields(json.value, schema) : json;
}

/**
 * Reads a body that must be JSON. Refuses with `unsupported_media_type` and `body_too_large`. `alsoTo` is given its bytes
 * as they arrive.
 */
export async function readJson(
  c: Context<EdgeEnv>,
  alsoTo: (chunk: Uint8Array) => Promise<void> | undefined = () => undefined,
): Promise<Result<JsonBody, Failure>> {
  const contentType = mediaTypeOf(c).slice(0, 100);
  if (contentType !== "application/json")
    return refuse({ kind: "unsupported_media_type", contentType, supported: "application/json" });
  return await readAnyJson(c, alsoTo);
}

/** As `readJson`, whatever the body calls itself. */
export async function readAnyJson(
  c: Context<EdgeEnv>,
  alsoTo: (chunk: Uint8Array) => Promise<void> | undefined = () => undefined,
): Promise<Result<JsonBody, Failure>> {
  const json = new JsonBodyReader();
  const read = await readChunks(c, (chunk) => {
    json.write(chunk);
    return alsoTo(chunk);
  });
  return read.ok ? ok(json.end()) : read;
}

/** A body as it came, for routes that take either form of it. */
export type JsonOrForm =
  | { readonly kind: "json"; readonly body: JsonBody }
  | { readonly kind: "form"; readonly parts: readonly FormPart[] };

/** Reads a body that may be JSON or a form. Refuses as `readForm` does, or with `unsupported_media_type`. */
export async function readJsonOrForm(c: Context<EdgeEnv>): Promise<Result<JsonOrForm, Failure>> {
  const contentType = mediaTypeOf(c);
  if (contentType === "application/json") {
    const body = await readAnyJson(c);
    return body.ok ? ok({ kind: "json", body: body.value }) : body;
  }
  if (contentType !== "multipart/form-data")
    return refuse({ kind: "unsupported_media_type", contentType: contentType.slice(0, 100) });
  const parts = await readForm(c);
  return parts.ok ? ok({ kind: "form", parts: parts.value }) : parts;
}

/** Reads a multipart/form-data body. Refuses with `body_too_large`, and with `invalid_request` where it is none. */
export async function readForm(c: Context<EdgeEnv>): Promise<Result<readonly FormPart[], Failure>> {
  const form = new MultipartReader(boundaryOf(c.req.header("content-type") ?? "") ?? "");
  const read = await readChunks(c, (chunk) => {
    form.write(chunk);
    return undefined;
  });
  if (!read.ok) return read;
  const parts = form.end();
  if (parts !== undefined) return ok(parts);
  const problem = { pointer: "", message: "is not a well-formed multipart/form-data body" };
  return refuse({ kind: "invalid_request", problems: [problem] });
}

/** Hands a body on as it arrives, each chunk until what `take` returns resolves. Refuses with `body_too_large`. */
export async function readChunks(
  c: Context<EdgeEnv>,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<Result<void, Failure>> {
  let size = 0;
  for await (const chunk of byteWindows(c.req.raw.body)) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      return refuse({ kind: "body_too_large", limitBytes: MAX_BODY_BYTES });
    await take(chunk);
  }
  return ok(undefined);
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
