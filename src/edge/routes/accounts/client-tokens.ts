import type { Context } from "hono";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { micros } from "#domain/micros.ts";
import {
  type ClientToken,
  type ClientTokenBody,
  type ClientTokenRequest,
  clientTokenRequestSchema,
  clientTokenSchema,
  clientTokenSecret,
  signClientToken,
} from "#wire/api/accounts/client-token.ts";
import type { KeyScope } from "#wire/api/accounts/key.ts";
import { subjectLimitsOf } from "#wire/api/accounts/limits-body.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { newId } from "../../id.ts";
import type { KeyRecord } from "../../keys/key-store.ts";
import { settingsOf } from "../../settings.ts";
import { readBody } from "../body.ts";
import { byKey, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";

/** `POST /v1/client_tokens`: makes a token that an app may hold, for part of what the key may do. */
export async function createClientToken(c: Context<EdgeEnv>): Promise<Response> {
  // A token that could make tokens would outlive itself.
  if (c.get("clientToken") !== undefined) return refused(c, { kind: "unauthenticated" });
  const body = await readBody(c, clientTokenRequestSchema);
  if (!body.ok) return refused(c, body.refusal);
  const key = c.get("key");
  const excess = excessOf(body.value, key);
  if (excess !== undefined) return refused(c, excess);
  const { scopes, spend_cap_micros, ttl_seconds, models = null, origins = null } = body.value;
  const { subject = null, limits = {}, share_cache: sharesCache } = body.value;
  const now = Date.now();
  const expiresAt = (Math.floor(now / 1000) + ttl_seconds) * 1000;
  const spendCap = micros(spend_cap_micros);
  const token: ClientToken = {
    id: newId("ctk"),
    keyId: key.id,
    subject,
    scopes,
    spendCap,
    limits: subjectLimitsOf(limits),
    sharesCache,
    models,
    origins,
    expiresAt,
  };
  const secret = await clientTokenSecret(settingsOf(c.env).ticketKey);
  const reply: ClientTokenBody = {
    object: "client_token",
    id: token.id,
    token: await signClientToken(token, secret, now),
    subject,
    scopes,
    spend_cap_micros,
    expires_at: new Date(expiresAt).toISOString(),
  };
  return c.json(reply, 201, { "cache-control": "no-store" });
}

/** A token may do nothing that its key may not; asking for it is said rather than silently dropped. */
function excessOf(request: ClientTokenRequest, key: KeyRecord): Failure | undefined {
  const problems: FieldProblem[] = [
    ...excessItems("scopes", request.scopes, withUpload(key.scopes)),
    ...excessItems("models", request.models ?? [], key.models),
    ...excessItems("origins", request.origins ?? [], key.origins),
  ];
  return problems.length === 0 ? undefined : { kind: "invalid_request", problems };
}

/** Whose key may ask may also let somebody upload. */
function withUpload(scopes: readonly KeyScope[]): readonly string[] {
  return scopes.includes("ask") ? [...scopes, "upload"] : scopes;
}

function excessItems(
  field: string,
  asked: readonly string[],
  allowed: readonly string[] | null,
): FieldProblem[] {
  return asked.flatMap((item, index) =>
    allowed === null || allowed.includes(item)
      ? []
      : [{ pointer: `/${field}/${index}`, message: "the key itself is not allowed this" }],
  );
}

/** How `POST /v1/client_tokens` reads in the API's description. */
export const createClientTokenRoute: RouteConfig = {
  method: "post",
  path: "/v1/client_tokens",
  operationId: "createClientToken",
  summary: "Make a client token",
  description:
    "For apps, which must not carry a key: good for minutes and for part of what the key may do, or for a day and one upload. It sees and touches what was asked with it, or for its `subject`, and nothing else of the account. Sent as a Bearer token. Ends with its key.",
  security: byKey,
  request: jsonBody(clientTokenRequestSchema),
  responses: {
    201: {
      description: "The token, kept nowhere.",
      content: jsonContent(clientTokenSchema),
    },
  },
};
