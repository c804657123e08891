import type { Context } from "hono";
import type { EdgeEnv } from "../env.ts";
import { METRICS_CONTENT_TYPE } from "../metrics/exposition.ts";
import { scrape } from "../metrics/scrape.ts";
import { byAdministrator, type RouteConfig } from "./describe/route.ts";

/** So long a scrape is told again: two scrapers, or one that is in a hurry, cost what one does. */
const FRESH_MS = 5_000;

/** The isolate's last. */
let last: { readonly text: string; readonly at: number } | undefined;

/** `GET /v1/metrics`: what the edge counts, for Prometheus. */
export async function showMetrics(c: Context<EdgeEnv>): Promise<Response> {
  const now = Date.now();
  if (last === undefined || Math.abs(now - last.at) >= FRESH_MS) {
    const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
    const text = await scrape(c.env, { requestId: c.get("requestId"), waitUntil });
    last = { text, at: now };
  }
  const headers = { "content-type": METRICS_CONTENT_TYPE, "cache-control": "no-store" };
  return c.body(last.text, 200, headers);
}

/** How `GET /v1/metrics` reads in the API's description. */
export const showMetricsRoute: RouteConfig = {
  method: "get",
  path: "/v1/metrics",
  operationId: "showMetrics",
  summary: "Show metrics",
  description:
    "Money, work, functions and trouble, for Prometheus (text format 0.0.4): totals, and no series for each account. Seconds behind. Names: infra/docs/operations.md.",
  security: byAdministrator,
  responses: {
    200: {
      description: "The metrics.",
      content: { "text/plain": { schema: { type: "string" } } },
    },
  },
};
