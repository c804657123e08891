import type { IncomingMessage, ServerResponse } from "node:http";
import { encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { MODEL_CARD_PATH } from "#wire/function/status.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { story } from "../support/edge-builders.ts";
import { benchCard, openAccount, openStand, post, rate, type Stand } from "./stand.ts";

/** What money costs in time. All is local: ratios are what counts, both sides share the same busy machine. */
export interface LedgerFigures {
  readonly turns: readonly LedgerTurn[];
  readonly race: RaceFigures;
}

export interface LedgerTurn {
  readonly connections: number;
  /** A Worker that says "ok". */
  readonly bareRequestsPerSecond: number;
  /** The calls and writes alone that a paid answer cannot do without. */
  readonly floorRequestsPerSecond: number;
  /** `POST /v1/answers` with a function that answers at once: key, quote, hold, ticket, capture. */
  readonly paidRequestsPerSecond: number;
}

export interface RaceFigures {
  readonly requests: number;
  readonly paidFor: number;
  readonly answered: number;
  readonly refused: number;
  /** Micro-dollars charged beyond what was granted: zero, or the ledger is broken. */
  readonly overspentMicros: number;
  readonly leftMicros: number;
  readonly seconds: number;
}

const RACERS = 64;

/** Whether questions pass the cache. Each is then another: an answer from the cache would leave the ledger alone. */
export type BenchCache = "off" | "private";

let asked = 0;

function questionOf(cache: BenchCache): object {
  asked += 1;
  return { question: `What is this? ${asked}`, canvas: 4, steps: 2, cache };
}

/** Measures authenticated reserve and settle against a bare reply, then races `requests` for the credit of `paidFor`. */
export async function measureLedger(
  requests = 10_000,
  paidFor = 1_000,
  cache: BenchCache = "off",
): Promise<LedgerFigures> {
  const stand = await openStand(answerAtOnce);
  try {
    const rich = await openAccount(stand, 1_000_000_000);
    const turns: LedgerTurn[] = [];
    for (const connections of [1, 16]) {
      turns.push({
        connections,
        bareRequestsPerSecond: await rate(connections, () => fetch(stand.bareUrl)),
        floorRequestsPerSecond: await rate(connections, () =>
          post(stand.floorUrl, rich, questionOf(cache)),
        ),
        paidRequestsPerSecond: await rate(connections, () => ask(stand.url, rich, cache)),
      });
    }
    return { turns, race: await race(stand, rich, { requests, paidFor, cache }) };
  } finally {
    await stand.close();
  }
}

/** A function that has its answer ready. */
function answerAtOnce(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === MODEL_CARD_PATH) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(benchCard));
    return;
  }
  const answer = story.map((event) => encodeSse(eventMessage(event, "ans_x"))).join("");
  const headers = {
    "content-type": "text/event-stream",
    [MODEL_DIGEST_HEADER]: "ab".repeat(32),
    [HOP_VERSION_HEADER]: String(HOP_VERSION),
  };
  request.resume();
  request.on("end", () => response.writeHead(200, headers).end(answer));
}

function ask(url: string, key: string, cache: BenchCache): Promise<Response> {
  return post(`${url}v1/answers`, key, questionOf(cache));
}

async function race(
  stand: Stand,
  rich: string,
  terms: { readonly requests: number; readonly paidFor: number; readonly cache: BenchCache },
): Promise<RaceFigures> {
  const { url } = stand;
  const { requests, paidFor, cache } = terms;
  // A question a little longer costs more: the races' are as long as this, or shorter.
  asked += 1_000_000;
  const quote = (await (await post(`${url}v1/quotes`, rich, questionOf(cache))).json()) as {
    price_micros: number;
  };
  const granted = quote.price_micros * paidFor;
  const key = await openAccount(stand, granted);
  const statuses = new Map<number, number>();
  let charged = 0;
  let started = 0;
  const start = performance.now();
  const racers = Array.from({ length: RACERS }, async () => {
    while (started < requests) {
      started += 1;
      const response = await ask(url, key, cache);
      const body = (await response.json()) as { charged_micros: number };
      charged += body.charged_micros;
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    }
  });
  await Promise.all(racers);
  const headers = { authorization: `Bearer ${key}` };
  const ledger = (await (await fetch(`${url}v1/ledger?limit=1`, { headers })).json()) as {
    data: { available_micros: number }[];
  };
  return {
    requests,
    paidFor,
    answered: statuses.get(200) ?? 0,
    refused: statuses.get(402) ?? 0,
    overspentMicros: Math.max(0, charged - granted),
    leftMicros: ledger.data[0]?.available_micros ?? Number.NaN,
    seconds: (performance.now() - start) / 1000,
  };
}
