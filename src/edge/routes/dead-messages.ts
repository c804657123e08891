import type { Context } from "hono";
import {
  type ResentDeadBody,
  resendDeadSchema,
  resentDeadSchema,
} from "#wire/api/dead-messages.ts";
import type { EdgeEnv } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { resendDead } from "../usage/resend-dead.ts";
import { readBody } from "./body.ts";
import { byAdministrator, jsonBody, jsonContent, type RouteConfig } from "./describe/route.ts";

/** `POST /v1/dead_messages/resend`: sends some of what the usage queue could not deliver into it again. */
export async function resendDeadMessages(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, resendDeadSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { resent, unreadable, last } = await resendDead(c.env, body.value.cursor ?? "");
  const reply: ResentDeadBody = {
    object: "resent_messages",
    ...{ resent, unreadable },
    next_cursor: last,
  };
  return c.json(reply);
}

/** How the route reads in the API's description. */
export const resendDeadRoute: RouteConfig = {
  method: "post",
  path: "/v1/dead_messages/resend",
  operationId: "resendDeadMessages",
  summary: "Send dead messages again",
  description:
    "Charges and counts that the usage queue could not copy in ten attempts are kept for 93 days. Once the cause is mended this sends them into the queue again, some with each call: what is copied twice counts once. Call it again with `next_cursor` until that is null.",
  security: byAdministrator,
  request: jsonBody(resendDeadSchema),
  responses: {
    200: { description: "What was sent.", content: jsonContent(resentDeadSchema) },
  },
};
