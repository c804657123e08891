import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnswerEvent } from "#domain/event.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { decodeSse, encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { GENERATE_PATH, MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { HEAD_LENGTH_BYTES } from "#wire/function/order.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { MODEL_CARD_PATH } from "#wire/function/status.ts";
import { HOP_VERSION, HOP_VERSION_HEADER, signTicket } from "#wire/function/ticket.ts";
import { options, question } from "../support/edge-builders.ts";
import { orderOf } from "../support/orders.ts";
import { benchCard, openAccount, openStand, post, rate, type Stand } from "./stand.ts";

/** What the edge costs and saves. All is local, and the function answers at once: ratios are what counts. */
export interface EdgeFigures {
  readonly turns: readonly CacheTurn[];
  /** Medians. */
  readonly missMs: number;
  readonly directMs: number;
  readonly identical: {
    readonly requests: number;
    readonly runs: number;
    readonly seconds: number;
  };
  /** From the cut of a stream to the next frame on the new connection; the work goes on meanwhile. */
  readonly resume: { readonly cuts: number; readonly medianMs: number; readonly longestMs: number };
}

export interface CacheTurn {
  readonly connections: number;
  readonly bareRequestsPerSecond: number;
  readonly hitRequestsPerSecond: number;
}

const DIGEST = benchCard.digest;
const IDENTICAL = 1000;
const TURNS = 200;
const CUTS = 20;
const FRAME_MS = 50;
const STEPS = 64;

/** Measures cache hits against a bare reply, a miss against the function alone, coalescing, and resuming. */
export async function measureEdge(): Promise<EdgeFigures> {
  const runs = { count: 0 };
  const stand = await openStand((request, response) => void play(request, response, runs));
  try {
    const key = await openAccount(stand, 1_000_000_000);
    const hit = { question: "Cached?", canvas: 4, steps: 2 };
    await (await post(`${stand.url}v1/answers`, key, hit)).arrayBuffer();
    const turns: CacheTurn[] = [];
    for (const connections of [1, 16]) {
      turns.push({
        connections,
        bareRequestsPerSecond: await rate(connections, () => fetch(stand.bareUrl)),
        hitRequestsPerSecond: await rate(connections, () =>
          post(`${stand.url}v1/answers`, key, hit),
        ),
      });
    }
    const missMs = await medianOf(TURNS, async () => {
      const response = await post(`${stand.url}v1/answers`, key, { ...hit, cache: "off" });
      await response.arrayBuffer();
    });
    const directMs = await medianOf(TURNS, () => askFunction(stand));
    return {
      turns,
      missMs,
      directMs,
      identical: await coalesce(stand, key, runs),
      resume: await cutAndResume(stand, key),
    };
  } finally {
    await stand.close();
  }
}

/** A function that answers in as many steps as asked, at once, or a frame at a time to a question that says "slowly". */
async function play(
  request: IncomingMessage,
  response: ServerResponse,
  runs: { count: number },
): Promise<void> {
  if (request.url === MODEL_CARD_PATH) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(benchCard));
    return;
  }
  if (request.url !== GENERATE_PATH) {
    response.writeHead(404).end();
    return;
  }
  runs.count += 1;
  const body = Buffer.concat(await request.toArray());
  const head = body.subarray(HEAD_LENGTH_BYTES, HEAD_LENGTH_BYTES + body.readUInt32BE());
  const asked = JSON.parse(head.toString()) as {
    messages: { text: string }[];
    options: { canvas: number; steps: number };
  };
  const isSlow = asked.messages[0]?.text.includes("slowly") === true;
  const headers = {
    "content-type": "text/event-stream",
    [MODEL_DIGEST_HEADER]: DIGEST,
    [HOP_VERSION_HEADER]: String(HOP_VERSION),
  };
  response.writeHead(200, headers);
  for (const event of storyOf(asked.options)) {
    if (isSlow && event.kind === "answer.frame") await sleep(FRAME_MS);
    response.write(encodeSse(eventMessage(event, "ans_x")));
  }
  response.end();
}

function storyOf({ canvas, steps }: { canvas: number; steps: number }): AnswerEvent[] {
  const tokens = Array.from({ length: steps }, (_, index) => ({
    ...{ position: index, token: index, text: " word", confidence: 0.5, step: index + 1 },
  }));
  const counts = { imageVectors: 0, promptLength: 20, canvas };
  return [
    { kind: "answer.started", ...counts, steps },
    ...tokens.map(
      (token): AnswerEvent => ({
        kind: "answer.frame",
        step: token.step,
        revealed: [token],
        stableUntil: token.step,
        hasText: true,
      }),
    ),
    {
      kind: "answer.completed",
      answer: "word ".repeat(steps).trim(),
      confidence: 0.5,
      tokens,
      usage: { ...counts, steps, forwardPasses: steps, refreshes: steps, rows: 0 },
      digest: "cd".repeat(32),
      decoder: DECODER_VERSION,
    },
  ];
}

async function askFunction({ functionUrl, ticketKey }: Stand): Promise<void> {
  const { body, head } = await orderOf(question({ images: [], options: options() }));
  const ids = { ticketId: crypto.randomUUID(), jobId: "ans_bench", accountId: "acc_bench" };
  const order = { ...ids, model: benchCard.id, bodySha256: await sha256Hex(head) };
  const authorization = `Bearer ${await signTicket(order, ticketKey, Date.now())}`;
  const init = { method: "POST", body, headers: { authorization } };
  await (await fetch(`${functionUrl}${GENERATE_PATH}`, init)).arrayBuffer();
}

async function medianOf(turns: number, work: () => Promise<void>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return (
    values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
  );
}

async function coalesce(
  { url }: Stand,
  key: string,
  runs: { count: number },
): Promise<EdgeFigures["identical"]> {
  const before = runs.count;
  const start = performance.now();
  const replies = await Promise.all(
    Array.from({ length: IDENTICAL }, async () => {
      const body = { question: "All at once, slowly?", canvas: 32, steps: 32 };
      const response = await post(`${url}v1/answers`, key, body);
      await response.arrayBuffer();
      return response.status;
    }),
  );
  const refused = replies.filter((status) => status !== 200).length;
  if (refused > 0) throw new Error(`${refused} of ${IDENTICAL} equal requests were refused`);
  const seconds = (performance.now() - start) / 1000;
  return { requests: IDENTICAL, runs: runs.count - before, seconds };
}

async function cutAndResume({ url }: Stand, key: string): Promise<EdgeFigures["resume"]> {
  const times: number[] = [];
  const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream" };
  for (let cut = 0; cut < CUTS; cut++) {
    const body = { question: `Cut ${cut}, slowly?`, canvas: STEPS, steps: STEPS, stream: true };
    const whole = await post(`${url}v1/answers`, key, body);
    let lastId = "";
    for await (const { id } of decodeSse(bodyOf(whole))) {
      lastId = id ?? "";
      if (lastId.endsWith(`.${10 + cut}`)) break;
    }
    const start = performance.now();
    const at = `${url}v1/answers/${lastId.split(".")[0]}/events`;
    const rest = await fetch(at, { headers: { ...headers, "last-event-id": lastId } });
    for await (const { event } of decodeSse(bodyOf(rest))) {
      if (event !== "answer.frame") throw new Error(`after a cut came ${event}, not a frame`);
      break;
    }
    times.push(performance.now() - start);
  }
  return { cuts: CUTS, medianMs: median(times), longestMs: Math.max(...times) };
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (!response.ok || response.body === null) throw new Error(`a stream got ${response.status}`);
  return response.body;
}
