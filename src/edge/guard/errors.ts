import type { Context, ErrorHandler, Hono, NotFoundHandler } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { Failure } from "#domain/failure.ts";
import { type Problem, problemReply, problemResponse } from "#wire/error.ts";
import { MAX_NAME_LENGTH } from "#wire/limits.ts";
import type { EdgeEnv } from "../env.ts";
import { logFault } from "../log.ts";

/** Replies with a refusal, and with the headers that were set before it: what is left of each rate. */
export function refused(c: Context<EdgeEnv>, failure: Failure): Response {
  c.set("refusal", failure.kind);
  const request = { requestId: c.get("requestId"), instance: c.req.path };
  return withHeaders(c, problemResponse(failure, request));
}

/** Replies that what the path names is not there, or not this caller's. `known`: what is, where that is little. */
export function refusedMissing(
  c: Context<EdgeEnv>,
  what: string,
  known?: readonly string[],
): Response {
  return refused(c, missingThing(c, what, known));
}

/** The refusal of what the path names and is not there. */
export function missingThing(
  c: Context<EdgeEnv>,
  what: string,
  known?: readonly string[],
): Failure {
  // Threat: a reply as long as the address. No id that was ever given out is longer.
  const id = (c.req.param("id") ?? "").slice(0, MAX_NAME_LENGTH);
  const missing = known === undefined ? { what, id } : { what, id, known };
  return { kind: "not_found", path: c.req.path, missing };
}

/** Replies with a refusal that was written down before, as this request's own. */
export function refusedBy(c: Context<EdgeEnv>, problem: Problem): Response {
  c.set("refusal", problem.code);
  const own = { ...problem, request_id: c.get("requestId"), instance: c.req.path };
  return withHeaders(c, problemReply(own));
}

function withHeaders(c: Context<EdgeEnv>, { body, status, headers }: Response): Response {
  return c.newResponse(body, status as StatusCode, Object.fromEntries(headers));
}

/** Turns a fault that no code expected into `internal`: the log gets the cause, the caller its request id. */
export const onFault: ErrorHandler<EdgeEnv> = (error, c) => {
  // A client that closed its connection is no fault of ours, and hears nothing of the reply.
  if (!c.req.raw.signal.aborted) logFault("request broke off", c.get("requestId"), error);
  return refused(c, { kind: "internal" });
};

/** Tells an unknown path from a path that takes other methods, and answers OPTIONS with those. */
export function notFound(app: Hono<EdgeEnv>): NotFoundHandler<EdgeEnv> {
  return function notFound(c) {
    const allowed = allowedMethods(app, c.req.path);
    if (allowed.length === 0) {
      const meant = meantPath(app, c.req.path);
      const unknown = { kind: "not_found", path: c.req.path } as const;
      return refused(c, meant === undefined ? unknown : { ...unknown, meant });
    }
    if (c.req.method === "OPTIONS")
      return new Response(null, { status: 204, headers: { allow: allowed.join(", ") } });
    return refused(c, { kind: "method_not_allowed", method: c.req.method, allowed });
  };
}

/** Whether anything is served at a path: by a method, or by whatever method. */
export function isServed(app: Hono<EdgeEnv>, path: string, method?: string): boolean {
  const allowed = allowedMethods(app, path);
  return method === undefined ? allowed.length > 0 : allowed.includes(method);
}

/** The path that a client with a wrong base URL means: without `/v1`, with it twice, with a folder or a slash too many. */
function meantPath(app: Hono<EdgeEnv>, path: string): string | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  // Threat: each ending is compared with every route. No route has more parts behind /v1.
  return [3, 2, 1]
    .filter((length) => length <= parts.length)
    .map((length) => `/v1/${parts.slice(-length).join("/")}`)
    .find((meant) => isServed(app, meant));
}

function allowedMethods(app: Hono<EdgeEnv>, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== "ALL" && isAt(path, route.path))
    .map(({ method }) => method);
  if (methods.length === 0) return [];
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}

/** Whether a path lies at a route's, whose parts that begin with a colon stand for anything but nothing. */
export function isAt(path: string, route: string): boolean {
  const [parts, pattern] = [path.split("/"), route.split("/")];
  return (
    parts.length === pattern.length &&
    pattern.every((part, index) =>
      part.startsWith(":") ? parts[index] !== "" : part === parts[index],
    )
  );
}
