import type * as z from "zod";
import type { ZodOpenApiMediaTypeObject } from "zod-openapi";
import type { ReplyHeader } from "./declared-headers.ts";
import type { RequestHeader } from "./request-headers.ts";

/** How one route reads in the API's description: everything that is not the same for all. */
export interface RouteConfig {
  readonly method: "get" | "post" | "patch" | "delete";
  /** With parameters in braces. */
  readonly path: string;
  /** What generated clients call the operation: camelCase, unique, and never changed. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Absent: anybody may ask. */
  readonly security?: readonly Readonly<Record<string, string[]>>[];
  readonly request?: {
    readonly params?: z.ZodObject;
    readonly query?: z.ZodObject;
    /** Headers that it reads beside those that every route reads. */
    readonly headers?: readonly RequestHeader[];
    readonly body?: {
      readonly required: boolean;
      readonly description?: string;
      readonly content: Content;
    };
  };
  readonly responses: Readonly<Record<number, RouteReply>>;
  /** How it writes its refusals; absent: as a problem (RFC 9457). */
  readonly refusals?: Content;
}

export interface RouteReply {
  readonly description: string;
  /** Headers beside those that every reply has. */
  readonly headers?: readonly ReplyHeader[];
  /** Absent: it has no body. */
  readonly content?: Content;
}

/** By media type. */
export type Content = Readonly<Record<string, ZodOpenApiMediaTypeObject>>;

/** What callers of the API send: a key, or a client token that stands for one. */
export const byKey: NonNullable<RouteConfig["security"]> = [{ key: [] }];

/** What the administrator sends. */
export const byAdministrator: NonNullable<RouteConfig["security"]> = [{ admin: [] }];

/** What pages of the dashboard send: the cookie of a session. */
export const bySession: NonNullable<RouteConfig["security"]> = [{ session: [] }];

/** What inference functions send: a token of their own key, for this body. */
export const byFunction: NonNullable<RouteConfig["security"]> = [{ function: [] }];

/** A body of JSON. */
export function jsonContent(schema: z.ZodType): Content {
  return { "application/json": { schema } };
}

/** A reply that is a page of a list, or the list as a file. */
export function listOrCsv(description: string, schema: z.ZodType): RouteReply {
  const content = { ...jsonContent(schema), "text/csv": { schema: { type: "string" as const } } };
  return { description, headers: ["Link"], content };
}

/** A request that must bring a body of JSON. */
export function jsonBody(schema: z.ZodType): Pick<NonNullable<RouteConfig["request"]>, "body"> {
  return { body: { required: true, content: jsonContent(schema) } };
}
