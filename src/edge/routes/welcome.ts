import type { Context } from "hono";
import * as z from "zod";
import type { EdgeEnv } from "../env.ts";
import { preferredType } from "../headers/accept.ts";
import type { RouteConfig } from "./describe/route.ts";

const welcome = {
  name: "Unmask",
  description: "Answers questions about pictures. README.md beside the source says how to ask.",
  openapi: "/openapi.json",
  health: "/health",
};

/** `GET /`: the playground for a person who opens the address that commands are given, where to read on for a program. */
export async function showWelcome(c: Context<EdgeEnv>): Promise<Response> {
  const wanted = preferredType(c.req.header("accept"), ["application/json", "text/html"]);
  const reply =
    wanted === "text/html" ? await c.env.ASSETS.fetch(c.req.raw) : Response.json(welcome);
  const either = new Response(reply.body, reply);
  // Whoever keeps one of them on the way has to look which one is asked for.
  either.headers.append("vary", "accept");
  return either;
}

/** How `GET /` reads in the API's description. */
export const showWelcomeRoute: RouteConfig = {
  method: "get",
  path: "/",
  operationId: "showWelcome",
  summary: "Show where to read on",
  responses: {
    200: {
      description:
        "Paths of what describes the service; the playground for who accepts HTML rather.",
      content: {
        "text/html": { schema: z.string() },
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
