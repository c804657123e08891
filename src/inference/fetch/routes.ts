import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type FetchOrder, fetchOrderSchema, MAX_DELIVERY_BYTES } from "#wire/fetch.ts";
import { problemsOf } from "#wire/field-problems.ts";
import { parseJson } from "#wire/generate.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { deliver } from "./deliver.ts";
import type { Reach } from "./destination.ts";
import { fetchImage } from "./fetch-image.ts";

/** An order with everything around the body that it delivers. */
export const MAX_ORDER_BYTES: number = 2 * MAX_DELIVERY_BYTES + 64 * 1024;

/** Threat: sockets and memory of a machine that should compute. Each picture may hold 10 MiB. */
export const MAX_FETCHES = 32;

/** Carries out orders of the edge to reach other hosts. */
export interface Fetcher {
  /**
   * Resolves with the reply to the edge, or refuses. Rejects only with the reason of an aborted signal. `trace` is whose
   * request it is, for the log.
   */
  readonly fetch: (
    body: Uint8Array,
    signal: AbortSignal,
    trace: Readonly<Record<string, string>>,
  ) => Promise<Result<Response, Failure>>;
}

/** Makes a fetcher. `now` in milliseconds. */
export function createFetcher(
  reach: Reach,
  now: () => number,
  log: Log,
  metrics: Pick<Metrics, "fetched">,
): Fetcher {
  let running = 0;
  return {
    fetch: async (body, signal, trace) => {
      const order = readOrder(body);
      if (!order.ok) return order;
      if (running >= MAX_FETCHES) return refuse({ kind: "overloaded", retryAfterSeconds: 1 });
      running += 1;
      const startedMs = now();
      let outcome = "abandoned";
      try {
        const reply = await carryOut(order.value, reach, signal, now);
        outcome = reply.outcome;
        return reply.result;
      } finally {
        running -= 1;
        const { purpose } = order.value;
        metrics.fetched({ purpose, outcome });
        log("fetch.ended", { ...trace, purpose, outcome, ranMs: Math.round(now() - startedMs) });
      }
    },
  };
}

async function carryOut(
  order: FetchOrder,
  reach: Reach,
  signal: AbortSignal,
  now: () => number,
): Promise<{ outcome: string; result: Result<Response, Failure> }> {
  if (order.purpose === "webhook") {
    const reply = await deliver(order, reach, signal, now);
    const outcome = reply.outcome === "response" ? String(reply.status) : reply.reason;
    return { outcome, result: ok(Response.json(reply)) };
  }
  const file = await fetchImage(order, reach, signal);
  if (!file.ok) return { outcome: file.refusal.kind, result: file };
  const headers = { "content-type": "application/octet-stream" };
  return { outcome: "fetched", result: ok(new Response(file.value, { headers })) };
}

function readOrder(body: Uint8Array): Result<FetchOrder, Failure> {
  const json = parseJson(body);
  if (!json.ok) return json;
  const order = fetchOrderSchema.safeParse(json.value);
  return order.success
    ? ok(order.data)
    : refuse({ kind: "invalid_request", problems: problemsOf(order.error) });
}
