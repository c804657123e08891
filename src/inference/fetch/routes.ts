import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { parseJson } from "#wire/body/parse-json.ts";
import { problemsOf } from "#wire/field-problems.ts";
import { type FetchOrder, fetchOrderSchema, MAX_DELIVERY_BYTES } from "#wire/function/fetch.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { deliver } from "./deliver.ts";
import type { Reach } from "./destination.ts";
import { fetchImage } from "./fetch-image.ts";
import { createPlaces, type Places, type PlacesLimits } from "./places.ts";

/** An order with everything around the body that it delivers. */
export const MAX_ORDER_BYTES: number = 2 * MAX_DELIVERY_BYTES + 64 * 1024;

/**
 * Threat: sockets and memory of a machine that should compute. Each picture may hold 10 MiB; a webhook holds some 20 KB.
 * Whoever waits for a picture waits within its time-out; a webhook that finds no place is sent a little later by the edge.
 */
export const FETCH_LIMITS: Readonly<Record<FetchOrder["purpose"], PlacesLimits>> = {
  image: { places: 32, waiting: 128 },
  webhook: { places: 64, waiting: 0 },
};

/** For whom an order is carried out, and how. */
export interface FetchTerms {
  /** Whose share of the places it takes. */
  readonly accountId: string;
  readonly signal: AbortSignal;
  /** Whose request it is, for the log. */
  readonly trace: Readonly<Record<string, string>>;
  /** Whether the beginning of a webhook receiver's response is told too. */
  readonly wantsResponse: boolean;
}

/** Carries out orders of the edge to reach other hosts. */
export interface Fetcher {
  /**
   * Resolves with the reply to the edge, or refuses: `overloaded` and `draining` say that nobody was reached. Rejects with
   * the reason of an aborted signal, and where this machine itself is at fault.
   */
  readonly fetch: (body: Uint8Array, terms: FetchTerms) => Promise<Result<Response, Failure>>;
  /** Takes no order any more and resolves when the last is carried out. */
  readonly drain: () => Promise<void>;
  readonly load: () => { readonly running: number; readonly waiting: number };
}

/** Makes a fetcher. `now` in milliseconds. */
export function createFetcher(
  reach: Reach,
  now: () => number,
  log: Log,
  metrics: Pick<Metrics, "fetched">,
): Fetcher {
  const places: Readonly<Record<FetchOrder["purpose"], Places>> = {
    image: createPlaces(FETCH_LIMITS.image),
    webhook: createPlaces(FETCH_LIMITS.webhook),
  };
  const loads = () => [places.image.load(), places.webhook.load()];
  return {
    fetch: async (body, terms) => {
      const { accountId, signal, trace } = terms;
      const order = readOrder(body);
      if (!order.ok) return order;
      const { purpose, timeout_ms: timeoutMs } = order.value;
      const startedMs = now();
      const patience = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const place = await places[purpose].enter(accountId, patience);
      signal.throwIfAborted();
      const waitedMs = now() - startedMs;
      let outcome = place.ok ? "abandoned" : place.refusal.kind;
      try {
        if (!place.ok) return place;
        const reply = await carryOut(order.value, waitedMs, reach, terms, now);
        outcome = reply.outcome;
        return reply.result;
      } finally {
        if (place.ok) place.value();
        metrics.fetched({ purpose, outcome });
        const ranMs = Math.round(now() - startedMs - waitedMs);
        log("fetch.ended", { ...trace, purpose, outcome, waitedMs: Math.round(waitedMs), ranMs });
      }
    },
    drain: async () => {
      await Promise.all([places.image.drain(), places.webhook.drain()]);
    },
    load: () => ({
      running: loads().reduce((total, { running }) => total + running, 0),
      waiting: loads().reduce((total, { waiting }) => total + waiting, 0),
    }),
  };
}

async function carryOut(
  order: FetchOrder,
  waitedMs: number,
  reach: Reach,
  { signal, wantsResponse }: FetchTerms,
  now: () => number,
): Promise<{ outcome: string; result: Result<Response, Failure> }> {
  if (order.purpose === "webhook") {
    const reply = await deliver(order, reach, signal, now, wantsResponse);
    const outcome = reply.outcome === "response" ? String(reply.status) : reply.reason;
    return { outcome, result: ok(Response.json(reply)) };
  }
  const file = await fetchImage(order, reach, signal, waitedMs);
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
