import type { Context } from "hono";
import { z } from "zod";
import type { EdgeEnv } from "../env.ts";
import type { RouteConfig } from "./describe/route.ts";

const welcome = {
  name: "Unmask",
  description: "Answers questions about pictures. README.md beside the source says how to ask.",
  openapi: "/openapi.json",
  health: "/health",
};

/** `GET /`: where to read on, for a person who opens the address that commands are given. */
export function showWelcome(c: Context<EdgeEnv>): Response {
  return c.json(welcome);
}

/** How `GET /` reads in the API's description. */
export const showWelcomeRoute: RouteConfig = {
  method: "get",
  path: "/",
  operationId: "showWelcome",
  summary: "Show where to read on",
  responses: {
    200: {
      description: "Paths of what describes the service.",
      content: {
        "application/json": {
          schema: z.strictObject({
            name: z.string(),
            description: z.string(),
            openapi: z.string(),
            health: z.string(),
          }),
        },
      },
    },
  },
};
