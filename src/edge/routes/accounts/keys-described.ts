import * as z from "zod";
import {
  createKeySchema,
  keyListQuerySchema,
  keyListSchema,
  keySchema,
  newKeySchema,
  restrictKeySchema,
  rotateKeySchema,
} from "#wire/api/accounts/keys.ts";
import { describedQuery } from "../body.ts";
import {
  byAdministrator,
  byKey,
  bySession,
  jsonBody,
  jsonContent,
  type RouteConfig,
} from "../describe/route.ts";

const WITHIN = "Takes effect everywhere within 60 seconds.";
const params = z.object({ id: z.string() });

/** How these routes read in the API's description. */
export const keyRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/keys",
    operationId: "createKey",
    summary: "Make a key",
    description:
      "Shows the key this one time; only a digest of its secret is kept. A key with the scope `keys` makes keys of its own account, which may do no more than itself.",
    security: [...byAdministrator, ...byKey, ...bySession],
    request: jsonBody(createKeySchema),
    responses: { 201: { description: "The key.", content: jsonContent(newKeySchema) } },
  },
  {
    method: "get",
    path: "/v1/keys",
    operationId: "listKeys",
    summary: "List the keys of an account",
    security: [...byAdministrator, ...byKey, ...bySession],
    request: { query: describedQuery(keyListQuerySchema) },
    responses: {
      200: {
        description: "Keys without their secrets.",
        headers: ["Link"],
        content: jsonContent(keyListSchema),
      },
    },
  },
  {
    method: "patch",
    path: "/v1/keys/{id}",
    operationId: "restrictKey",
    summary: "Change what a key may do",
    description: WITHIN,
    security: [...byAdministrator, ...byKey, ...bySession],
    request: { params, ...jsonBody(restrictKeySchema) },
    responses: { 200: { description: "The key.", content: jsonContent(keySchema) } },
  },
  {
    method: "post",
    path: "/v1/keys/{id}/rotate",
    operationId: "rotateKey",
    summary: "Give a key a new secret",
    description:
      "The present secret works on for overlap_seconds (a day unless said otherwise); the one before it no longer.",
    security: [...byAdministrator, ...byKey, ...bySession],
    request: { params, ...jsonBody(rotateKeySchema) },
    responses: { 200: { description: "The key.", content: jsonContent(newKeySchema) } },
  },
  {
    method: "delete",
    path: "/v1/keys/{id}",
    operationId: "revokeKey",
    summary: "Revoke a key",
    description: `${WITHIN} Its client tokens end with it. Cannot be undone.`,
    security: [...byAdministrator, ...byKey, ...bySession],
    request: { params },
    responses: { 200: { description: "The revoked key.", content: jsonContent(keySchema) } },
  },
];
