import * as z from "zod";
import {
  sessionListSchema,
  sessionSchema,
  signedOutSchema,
  signInCodeRequestSchema,
  signInCodeSchema,
  signInSchema,
} from "#wire/api/accounts/sessions.ts";
import {
  byAdministrator,
  byKey,
  bySession,
  jsonBody,
  jsonContent,
  type RouteConfig,
} from "../describe/route.ts";

/** How the routes of sessions read in the API's description. */
export const sessionRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/sessions",
    operationId: "createSession",
    summary: "Sign in to the dashboard",
    description:
      "Trades a key, a one-time code or the administrator's key for a session, whose cookie the reply sets: HttpOnly, SameSite=Strict, over HTTPS Secure. Send X-Unmask-Session: 1 with this and with whatever a session changes.",
    request: { headers: ["X-Unmask-Session"], ...jsonBody(signInSchema) },
    responses: {
      201: {
        description: "The session.",
        headers: ["Set-Cookie"],
        content: jsonContent(sessionSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/session",
    operationId: "showSession",
    summary: "Show the session that asks",
    security: bySession,
    responses: { 200: { description: "The session.", content: jsonContent(sessionSchema) } },
  },
  {
    method: "delete",
    path: "/v1/session",
    operationId: "endSession",
    summary: "Sign out",
    security: bySession,
    request: { headers: ["X-Unmask-Session"] },
    responses: { 204: { description: "Signed out.", headers: ["Set-Cookie"] } },
  },
  {
    method: "get",
    path: "/v1/sessions",
    operationId: "listSessions",
    summary: "List who is signed in",
    description: "To this account, or as its administrator; newest first.",
    security: bySession,
    responses: { 200: { description: "All of them.", content: jsonContent(sessionListSchema) } },
  },
  {
    method: "delete",
    path: "/v1/sessions",
    operationId: "endAllSessions",
    summary: "Sign out everywhere",
    security: bySession,
    request: { headers: ["X-Unmask-Session"] },
    responses: {
      200: {
        description: "How many there were, this one among them.",
        headers: ["Set-Cookie"],
        content: jsonContent(signedOutSchema),
      },
    },
  },
  {
    method: "delete",
    path: "/v1/sessions/{id}",
    operationId: "endOtherSession",
    summary: "Sign one out",
    security: bySession,
    request: {
      params: z.object({ id: z.string() }),
      headers: ["X-Unmask-Session"],
    },
    responses: { 204: { description: "Signed out." } },
  },
  {
    method: "post",
    path: "/v1/sign_in_codes",
    operationId: "createSignInCode",
    summary: "Make a one-time code for the dashboard",
    description:
      "Good once, for ten minutes. A key's code opens its own account, as the key would. The administrator's opens the account that it names, for everything but replays, or with role administrator the administration.",
    security: [...byKey, ...byAdministrator],
    request: { headers: ["X-Unmask-Session"], ...jsonBody(signInCodeRequestSchema) },
    responses: {
      201: { description: "The code, shown once.", content: jsonContent(signInCodeSchema) },
    },
  },
];
