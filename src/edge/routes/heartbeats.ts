import type { Context } from "hono";
import { checkFields } from "#wire/api/page.ts";
import { parseJson } from "#wire/body/parse-json.ts";
import { isOfKey } from "#wire/fleet/function-keys.ts";
import {
  type HeartbeatReply,
  heartbeatKey,
  heartbeatReplySchema,
  heartbeatSchema,
  MAX_HEARTBEAT_BYTES,
} from "#wire/fleet/heartbeat.ts";
import type { EdgeEnv } from "../env.ts";
import { MAX_INSTANCES } from "../fleet/fleet-register.ts";
import { HEARTBEAT_MS } from "../fleet/policy/fleet.ts";
import { shardName } from "../fleet/shards.ts";
import { refused } from "../guard/errors.ts";
import { bearerOf } from "../headers/bearer.ts";
import { logFault } from "../log.ts";
import { settingsOf } from "../settings.ts";
import { readChunks } from "./body.ts";
import { byFunction, jsonBody, jsonContent, type RouteConfig } from "./describe/route.ts";

/**
 * `POST /v1/functions/heartbeats`: a function says that it is there. What it may say is its key's: whoever is registered is sent
 * customers' questions.
 */
export async function hearFunction(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readWhole(c);
  if (body === null) return refused(c, { kind: "body_too_large", limitBytes: MAX_HEARTBEAT_BYTES });
  const { functionKeys } = settingsOf(c.env);
  const key = await heartbeatKey(bearerOf(c), body, functionKeys, Date.now());
  if (!key.ok) {
    logFault("a heartbeat is not taken", c.get("requestId"), key.refusal);
    return refused(c, { kind: "unauthenticated", wanted: "function" });
  }
  const json = parseJson(body);
  const report = json.ok ? checkFields(json.value, heartbeatSchema) : json;
  if (!report.ok) return refused(c, report.refusal);
  const { url, model } = report.value;
  const problems = [
    ...(isOfKey(key.value, url)
      ? []
      : [{ pointer: "/url", message: "is not among the addresses of this key (FUNCTION_KEYS)" }]),
    ...(key.value.models.includes(model)
      ? []
      : [{ pointer: "/model", message: "is not among the models of this key (FUNCTION_KEYS)" }]),
  ];
  if (problems.length > 0) return refused(c, { kind: "invalid_request", problems });
  const heard = await c.env.FLEET.getByName(shardName(key.value.region, model)).hear(report.value);
  if (heard === null)
    return refused(c, {
      kind: "too_many_of",
      what: "functions of a model in a region",
      limit: MAX_INSTANCES,
    });
  const reply: HeartbeatReply = {
    object: "heartbeat",
    wants_card: heard.wantsCard,
    next_in_ms: HEARTBEAT_MS,
  };
  return c.json(reply, 200, { "cache-control": "no-store" });
}

async function readWhole(c: Context<EdgeEnv>): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const read = await readChunks(c, (chunk) => {
    size += chunk.length;
    if (size <= MAX_HEARTBEAT_BYTES) chunks.push(chunk.slice());
    return undefined;
  });
  if (!read.ok || size > MAX_HEARTBEAT_BYTES) return null;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** How `POST /v1/functions/heartbeats` reads in the API's description. */
export const hearFunctionRoute: RouteConfig = {
  method: "post",
  path: "/v1/functions/heartbeats",
  operationId: "hearFunction",
  summary: "Say that a function is there",
  description:
    "For inference functions, not for callers: every few seconds each says where it is, what it serves and how much it has to do. Signed with a key of FUNCTION_KEYS, which says what may be registered with it.",
  security: byFunction,
  request: jsonBody(heartbeatSchema),
  responses: {
    200: { description: "It was heard.", content: jsonContent(heartbeatReplySchema) },
  },
};
