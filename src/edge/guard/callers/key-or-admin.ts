import type { MiddlewareHandler } from "hono";
import { isClientToken } from "#wire/api/accounts/client-token.ts";
import type { EdgeEnv } from "../../env.ts";
import { bearerOf } from "../../headers/bearer.ts";
import { adminKey, isApiKey } from "../admin-key.ts";
import { apiKey } from "../api-key.ts";

/** Lets holders of a key pass, and the administrator, for whom no `key` is set: what was sent says by its form which of them it is. */
export function keyOrAdmin(): MiddlewareHandler<EdgeEnv> {
  const [asHolder, asAdministrator] = [apiKey(), adminKey()];
  return async function keyOrAdmin(c, next) {
    const given = bearerOf(c);
    const isHolder = isApiKey(given) || isClientToken(given);
    return await (isHolder ? asHolder(c, next) : asAdministrator(c, next));
  };
}
