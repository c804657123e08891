import { Hono } from "hono";
import type { Failure } from "#domain/failure.ts";
import { FETCH_PATH, RESPONSE_WANTED_HEADER } from "#wire/function/fetch.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { errorChain } from "../log.ts";
import type { GaugeName, Metrics } from "../metrics.ts";
import { createMetricsRoute, createProbes, type MetricsGuard, type Serving } from "../probes.ts";
import { tracedLog, traceOf } from "../trace.ts";
import { readTicket, readTicketedBody, type WorkOrderParts } from "../work-order.ts";
import { type Fetcher, MAX_ORDER_BYTES } from "./routes.ts";

/** What the fetch hop works with. */
export interface FetchHandlerParts extends WorkOrderParts {
  readonly fetcher: Fetcher;
  readonly metrics: Metrics;
  readonly metricsGuard: MetricsGuard;
  /** Whether this process was asked to end. */
  readonly isDraining: () => boolean;
}

/**
 * Builds the fetch hop's HTTP face.
 *
 *   POST /v1/fetch   ticket and order in, what another host answered out: pictures by address, webhooks
 *   GET  /metrics    counts for Prometheus, for whom `createMetricsRoute` says
 *   GET  /ping, /health/live, /health/ready   what hosts of containers ask (`createProbes`)
 *   GET  /health     200 while the process takes work
 */
export function createFetchHandler(parts: FetchHandlerParts): Hono {
  const app = new Hono();
  app.post(FETCH_PATH, ({ req: { raw } }) => fetchForEdge(raw, parts));
  const serving = (): Serving => ({ status: parts.isDraining() ? "draining" : "ready" });
  const gauges = (): Partial<Record<GaugeName, number>> => ({
    ready: parts.isDraining() ? 0 : 1,
    process_resident_memory_bytes: process.memoryUsage.rss(),
  });
  app.route(
    "/",
    createMetricsRoute(parts.metricsGuard, () => parts.metrics.render(gauges())),
  );
  app.route("/", createProbes(serving));
  app.get("/health", () => Response.json({ status: "ok", ...parts.fetcher.load() }));
  app.notFound((c) => refusal(c.req.raw, { kind: "not_found", path: c.req.path }));
  app.onError((cause, c) => {
    const { log } = tracedParts(c.req.raw, parts);
    log("request.failed", { path: c.req.path, code: "internal", error: errorChain(cause) });
    return refusal(c.req.raw, { kind: "internal" });
  });
  return app;
}

/** Reaches another host for the edge; the account that its ticket names has a share of the places. */
export async function fetchForEdge(
  request: Request,
  parts: Pick<FetchHandlerParts, "fetcher"> & WorkOrderParts,
): Promise<Response> {
  const { log, fetcher } = tracedParts(request, parts);
  const ticket = await readTicket(request, { ...parts, log });
  if (!ticket.ok) return refusal(request, ticket.refusal);
  const body = await readTicketedBody(request, ticket.value, MAX_ORDER_BYTES, log);
  if (!body.ok) return refusal(request, body.refusal);
  const { accountId } = ticket.value;
  const { headers, signal } = request;
  const fetched = await fetcher.fetch(body.value, {
    accountId,
    signal,
    trace: traceOf(headers),
    wantsResponse: headers.get(RESPONSE_WANTED_HEADER) === "1",
  });
  return fetched.ok ? fetched.value : refusal(request, fetched.refusal);
}

function tracedParts<Parts extends Pick<FetchHandlerParts, "log">>(
  { headers }: Request,
  parts: Parts,
): Parts {
  return { ...parts, log: tracedLog(parts.log, headers) };
}

function refusal(request: Request, failure: Failure): Promise<Response> {
  const requestId = request.headers.get("x-request-id") ?? "none";
  return refusalResponse(failure, { requestId, instance: new URL(request.url).pathname });
}
