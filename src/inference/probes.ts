import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { isLoopback } from "./config.ts";
import { METRICS_CONTENT_TYPE } from "./metrics.ts";

/** Whether what is sent to this process now is answered, and if not, why. */
export type Serving =
  | { readonly status: "ready" }
  /** Weights are on their way: the only time at which the object storage decides anything. */
  | {
      readonly status: "loading";
      readonly loaded_bytes: number;
      readonly total_bytes: number;
      /** Null while the rate is unknown. */
      readonly eta_seconds: number | null;
    }
  /** It was asked to end, or ends by itself. */
  | { readonly status: "draining" }
  /** Nothing in this process can mend it. `reason`: as `GET /status` has it. */
  | { readonly status: "failed"; readonly reason: string };

/**
 * What hosts of containers ask, answered from memory.
 *
 *   GET /ping          200 ready · 204 its weights are loading · 503 neither: send nothing here (RunPod's words)
 *   GET /health/live   200 this process is alive, or is ending by itself · 503 replace it
 *   GET /health/ready  200 what is sent here is answered · 503 with why not
 */
export function createProbes(serving: () => Serving): Hono {
  const app = new Hono();
  app.get("/ping", () => {
    const { status } = serving();
    return new Response(null, { status: PINGS[status] });
  });
  app.get("/health/live", () => {
    const now = serving();
    return now.status === "failed" ? reply(now, 503) : reply({ status: "alive" }, 200);
  });
  app.get("/health/ready", () => {
    const now = serving();
    return reply(now, now.status === "ready" ? 200 : 503);
  });
  return app;
}

const PINGS: Readonly<Record<Serving["status"], number>> = {
  ready: 200,
  loading: 204,
  draining: 503,
  failed: 503,
};

function reply(body: object, status: number): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** Who may read the metrics: they tell how much is sold. */
export interface MetricsGuard {
  /** Address that the process listens on. */
  readonly host: string;
  /** Bearer token. */
  readonly metricsToken?: string;
}

/**
 * `GET /metrics`: for who brings the token. Without one it is there only where the process listens for this machine alone, and
 * elsewhere it is not: the address of the caller proves nothing behind a proxy of the same pod.
 */
export function createMetricsRoute(
  { host, metricsToken }: MetricsGuard,
  render: () => string,
): Hono {
  const app = new Hono();
  if (metricsToken === undefined && !isLoopback(host)) return app;
  app.get("/metrics", ({ req }) => {
    if (
      metricsToken !== undefined &&
      !isSame(req.header("authorization"), `Bearer ${metricsToken}`)
    )
      return new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });
    return new Response(render(), { headers: { "content-type": METRICS_CONTENT_TYPE } });
  });
  return app;
}

/** Compares in a time that does not tell how much of it is right. */
function isSame(sent: string | undefined, expected: string): boolean {
  if (sent === undefined) return false;
  return timingSafeEqual(digest(sent), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
