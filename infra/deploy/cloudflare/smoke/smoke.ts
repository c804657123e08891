import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "#client/client.ts";
import { RefusedError } from "#client/errors.ts";
import type { Delivery, NewEndpoint } from "#client/webhook-calls.ts";
import { localHostRefusal } from "#wire/public-address.ts";
import { openReceiver } from "./receiver.ts";

/** One thing that was tried. */
export interface Tried {
  readonly name: "health" | "quote" | "ask" | "charge" | "replay" | "webhook";
  readonly isGood: boolean;
  readonly says: string;
  /** Wall time. */
  readonly ms: number;
}

export interface Smoke {
  readonly tried: readonly Tried[];
  /** Micro-dollars that the answers cost. */
  readonly chargedMicros: number;
}

export interface SmokeOptions {
  readonly url: string;
  readonly key: string;
  /** Where the webhook goes; null: here where the edge is here, otherwise to the edge itself. */
  readonly receiver: string | null;
  readonly signal: AbortSignal;
  readonly onTried: (tried: Tried) => void;
}

/** The first attempt is made at once; what takes longer than this has been put off. */
const DELIVERY_MS = 30_000;
const LOOK_MS = 250;

/** A red square of 8 by 8 on white, 32 by 32: any model that sees takes it. */
const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAMAAABEpIrGAAAABlBMVEX////dIiKiQXLZAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAF0lEQVQ4y2NgGAWDEjBCwUhXMAoGFAAAiCAAQeEwxfcAAAAASUVORK5CYII=";

/**
 * Tries an edge as a customer would: is it there, what would a question cost, is that what it costs, does its answer come about again, is
 * the customer told. Answers stay in the account's list, as all do; the endpoint that it makes is taken away. Rejects with the reason of an abort.
 */
export async function smoke(options: SmokeOptions): Promise<Smoke> {
  const { url, key, signal } = options;
  const client = createClient({ baseUrl: url, apiKey: key });
  const tried: Tried[] = [];
  const attempt = async (name: Tried["name"], act: () => Promise<string>): Promise<void> => {
    const startedMs = performance.now();
    const { isGood, says } = await act().then(
      (words) => ({ isGood: true, says: words }),
      (cause: unknown) => {
        signal.throwIfAborted();
        return { isGood: false, says: cause instanceof Error ? cause.message : String(cause) };
      },
    );
    const one = { name, isGood, says, ms: Math.round(performance.now() - startedMs) };
    tried.push(one);
    options.onTried(one);
  };
  // A question of its own each time: an answer out of the cache would prove nothing of the functions.
  const ask = {
    question: `What colour is this? (${crypto.randomUUID().slice(0, 8)})`,
    images: [{ data: PICTURE }],
    cache: "off",
    canvas: 16,
  } as const;
  let quoted: number | null = null;
  let answer: { readonly id: string; readonly charged: number } | null = null;
  let chargedMicros = 0;
  await attempt("health", async () => {
    const health = await client.health({ signal });
    if (health.function.state !== "ready")
      throw new Error(`the function is ${health.function.state}`);
    return "the edge runs, and its function is ready";
  });
  await attempt("quote", async () => {
    const quote = await client.quote(ask, { signal });
    quoted = quote.price_micros;
    return `${quoted} micro-dollars by card ${quote.card}`;
  });
  await attempt("ask", async () => {
    const made = await client.ask(ask, { signal });
    if (made.status !== "completed") throw new Error(`the answer is ${made.status}`);
    answer = { id: made.id, charged: made.charged_micros };
    chargedMicros += answer.charged;
    return `${made.id}: ${JSON.stringify(made.answer)}`;
  });
  await attempt("charge", async () => {
    if (answer === null || quoted === null) throw new Error("there is nothing to compare");
    if (answer.charged !== quoted)
      throw new Error(`charged ${answer.charged} micro-dollars where ${quoted} were quoted`);
    return "the charge is the quote";
  });
  await attempt("replay", async () => {
    if (answer === null) throw new Error("there is nothing to replay");
    const { verdict, charged_micros } = await client.answers.replay(answer.id, { signal });
    chargedMicros += charged_micros;
    if (verdict === "different") throw new Error("the same question had another answer");
    return verdict === "equal"
      ? "the same answer, token by token"
      : "made by other arithmetic: nothing to compare";
  });
  await attempt("webhook", () => deliver(client, options));
  return { tried, chargedMicros };
}

/** Adds an endpoint, has a sample sent to it, waits for the attempt, takes the endpoint away. */
async function deliver(client: Client, options: SmokeOptions): Promise<string> {
  const { url, signal } = options;
  const isHere = localHostRefusal(new URL(url)) !== null;
  await using here = options.receiver === null && isHere ? await openReceiver() : null;
  const target = options.receiver ?? here?.url ?? `${url.replace(/\/$/, "")}/health`;
  const endpoint: NewEndpoint | null = await client.webhooks.endpoints
    .create({ url: target }, { signal })
    .catch((cause: unknown) => {
      // An edge of production on this machine: rightly it sends nothing to this machine.
      if (here !== null && cause instanceof RefusedError) return null;
      throw cause;
    });
  if (endpoint === null)
    return "not tried: this edge sends to public https addresses alone; --receiver URL tries one";
  try {
    await client.webhooks.endpoints.test(endpoint.id, { signal });
    const delivery = await attempted(client, endpoint.id, signal);
    const last = delivery.attempts?.at(-1);
    if (here !== null && delivery.status === "delivered")
      return `${await here.first(endpoint.secret ?? "")} arrived here, its signature right`;
    if (delivery.status === "delivered") return `${target} answered ${last?.status}`;
    const isItself = options.receiver === null && last?.status !== null && last !== undefined;
    if (isItself && last.status < 500)
      return `the edge was reached at its own /health (${last.status}); --receiver URL tries one that takes it`;
    throw new Error(`${target}: ${last?.failure ?? `answered ${last?.status}`}`);
  } finally {
    // Also after Ctrl-C: nothing of ours is left in the account.
    await client.webhooks.endpoints.delete(endpoint.id);
  }
}

async function attempted(client: Client, endpoint: string, signal: AbortSignal): Promise<Delivery> {
  const untilMs = performance.now() + DELIVERY_MS;
  while (performance.now() < untilMs) {
    for await (const { id, attempt_count } of client.webhooks.deliveries.list(
      { endpoint },
      { signal },
    ))
      if (attempt_count > 0) return await client.webhooks.deliveries.get(id, { signal });
    await sleep(LOOK_MS, undefined, { signal });
  }
  throw new Error(`nothing was sent within ${DELIVERY_MS / 1000} s`);
}
