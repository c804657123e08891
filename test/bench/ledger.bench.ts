import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createTestHarness, type TestHarness } from "wrangler";
import { eventMessage } from "#wire/events.ts";
import { MODEL_DIGEST_HEADER } from "#wire/generate.ts";
import { encodeSse } from "#wire/sse.ts";
import { generateTicketKeys } from "#wire/ticket.ts";
import { story } from "../support/edge-builders.ts";

/** What money costs in time. All is local: ratios are what counts, both sides share the same busy machine. */
export interface LedgerFigures {
  readonly turns: readonly LedgerTurn[];
  readonly race: RaceFigures;
}

export interface LedgerTurn {
  readonly connections: number;
  /** A Worker that says "ok". */
  readonly bareRequestsPerSecond: number;
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

const SECONDS = 4;
const RACERS = 64;
const ROOMY = '{"requests_per_minute":1000000,"steps_per_minute":1000000,"concurrent":1000}';
const QUESTION = { question: "What is this?", canvas: 4, steps: 2 };

/** Measures authenticated reserve and settle against a bare reply, then races `requests` for the credit of `paidFor`. */
export async function measureLedger(requests = 10_000, paidFor = 1_000): Promise<LedgerFigures> {
  const stand = await startFunction();
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-ledger-"));
  const adminKey = randomBytes(32).toString("hex");
  const bare = await bareWorker(folder);
  const paid = await paidWorker(stand, adminKey);
  try {
    const [bareUrl, url] = [await bare.listen(), await paid.listen()].map(({ url: at }) => at.href);
    if (bareUrl === undefined || url === undefined) throw new Error("a Worker has no address");
    await migrate(paid);
    const rich = await openAccount(url, adminKey, 1_000_000_000);
    const turns: LedgerTurn[] = [];
    for (const connections of [1, 16]) {
      turns.push({
        connections,
        bareRequestsPerSecond: await rate(connections, () => fetch(bareUrl)),
        paidRequestsPerSecond: await rate(connections, () => ask(url, rich)),
      });
    }
    return { turns, race: await race(url, adminKey, rich, requests, paidFor) };
  } catch (cause) {
    const log = paid.getLogs().map(({ message }) => message);
    throw new Error(`the Worker broke off: ${log.slice(-5).join("; ")}`, { cause });
  } finally {
    await Promise.all([bare.close(), paid.close()]);
    stand.closeAllConnections();
    stand.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A function that has its answer ready. */
async function startFunction(): Promise<Server> {
  const answer = story.map((event) => encodeSse(eventMessage(event, "ans_x"))).join("");
  const headers = { "content-type": "text/event-stream", [MODEL_DIGEST_HEADER]: "ab".repeat(32) };
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(200, headers).end(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function bareWorker(folder: string): Promise<TestHarness> {
  await writeFile(
    path.join(folder, "worker.js"),
    'export default { fetch: () => new Response("ok") };',
  );
  const config = { name: "bare", main: "worker.js", compatibility_date: "2026-10-01" };
  const configPath = path.join(folder, "wrangler.json");
  await writeFile(configPath, JSON.stringify(config));
  return createTestHarness({ workers: [{ configPath }] });
}

async function paidWorker(stand: Server, adminKey: string): Promise<TestHarness> {
  const { port } = stand.address() as AddressInfo;
  const { signing } = await generateTicketKeys("bench");
  const vars = {
    FUNCTION_URL: `http://127.0.0.1:${port}`,
    KEY_LIMITS: ROOMY,
    ACCOUNT_LIMITS: ROOMY,
  };
  const secrets = { TICKET_KEY: JSON.stringify(signing), ADMIN_KEY: adminKey };
  return createTestHarness({
    workers: [{ configPath: path.resolve("wrangler.toml"), vars, secrets }],
  });
}

async function migrate(paid: TestHarness): Promise<void> {
  const { DB } = await paid.getWorker<{ DB: Database }>().getEnv();
  const folder = "infra/edge/migrations";
  for (const file of (await readdir(folder)).sort()) {
    const sql = await readFile(path.join(folder, file), "utf8");
    const statements = sql.replaceAll(/^--.*$/gm, "").split(/;\s*\n(?=\s*(?:CREATE|$))/);
    for (const statement of statements.map((text) => text.trim()).filter((text) => text !== ""))
      await DB.prepare(statement).run();
  }
}

/** As much of D1 as is used here. */
interface Database {
  prepare(statement: string): { run(): Promise<unknown> };
}

/** Opens an account with this much credit and returns a key to it. */
async function openAccount(url: string, adminKey: string, micros: number): Promise<string> {
  const administer = async (at: string, body: object): Promise<Record<string, unknown>> => {
    const response = await post(`${url}v1/${at}`, adminKey, body);
    if (!response.ok) throw new Error(`${at}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const account = await administer("accounts", { name: "bench" });
  await administer(`accounts/${account["id"]}/grants`, { amount_micros: micros });
  const { key } = await administer("keys", { account: account["id"], name: "bench" });
  return String(key);
}

function post(url: string, key: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

function ask(url: string, key: string): Promise<Response> {
  return post(`${url}v1/answers`, key, QUESTION);
}

async function rate(connections: number, request: () => Promise<Response>): Promise<number> {
  await (await request()).arrayBuffer();
  const start = performance.now();
  let done = 0;
  const callers = Array.from({ length: connections }, async () => {
    while (performance.now() - start < SECONDS * 1000) {
      const response = await request();
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`a request got ${response.status}`);
      done += 1;
    }
  });
  await Promise.all(callers);
  return (done * 1000) / (performance.now() - start);
}

async function race(
  url: string,
  adminKey: string,
  rich: string,
  requests: number,
  paidFor: number,
): Promise<RaceFigures> {
  const quote = (await (await post(`${url}v1/quotes`, rich, QUESTION)).json()) as {
    price_micros: number;
  };
  const granted = quote.price_micros * paidFor;
  const key = await openAccount(url, adminKey, granted);
  const statuses = new Map<number, number>();
  let charged = 0;
  let started = 0;
  const start = performance.now();
  const racers = Array.from({ length: RACERS }, async () => {
    while (started < requests) {
      started += 1;
      const response = await ask(url, key);
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
