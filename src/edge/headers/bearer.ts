import type { Context } from "hono";
import type { EdgeEnv } from "../env.ts";

/** Returns what follows `Authorization: Bearer`; empty where that is not what the header says. */
export function bearerOf(c: Context<EdgeEnv>): string {
  const [, token = ""] = /^Bearer (\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  return token;
}
