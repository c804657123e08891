import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createTestHarness, type TestHarness } from "wrangler";
import { generateTicketKeys, type TicketSigningKey } from "#wire/function/ticket-keys.ts";
import { untoldByFunction } from "../support/edge-builders.ts";

/** The real Worker in workerd, before a function that the benchmark brings, beside a Worker that only says "ok". */
export interface Stand {
  /** Base addresses with a slash at the end. */
  readonly url: string;
  readonly bareUrl: string;
  /** A Worker of the calls and writes alone that a paid answer cannot do without: `floor-worker.js`. */
  readonly floorUrl: string;
  readonly functionUrl: string;
  readonly adminKey: string;
  readonly ticketKey: TicketSigningKey;
  close(): Promise<void>;
}

/** How long a rate is measured for. */
const SECONDS = 4;

const ROOMY = '{"requests_per_minute":1000000,"steps_per_minute":1000000,"concurrent":10000}';

/** What the benchmarks' functions say of their model. */
export const benchCard = {
  id: "unmask-demo",
  digest: "ab".repeat(32),
  image: null,
  max_prompt_length: 1024,
  ...untoldByFunction,
  provider: "none",
  format: "none",
  vision: null,
  work: { view: 0, linear: 1, attention: 1 },
};

/** Starts both Workers and the function. */
export async function openStand(answer: RequestListener): Promise<Stand> {
  // Wrangler's recorder of traces, which local development has on: it writes a row for each span of each request into a
  // database of its own, which took half of a paid answer's processor time and most of its writes. No edge has it.
  process.env["X_LOCAL_OBSERVABILITY"] = "false";
  const server = await serve(answer);
  const functionUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-bench-"));
  const adminKey = randomBytes(32).toString("hex");
  const { signing: ticketKey } = await generateTicketKeys("bench");
  const bare = await bareWorker(folder);
  const real = createTestHarness({
    workers: [
      {
        configPath: path.resolve("wrangler.toml"),
        vars: { FUNCTION_URL: functionUrl, KEY_LIMITS: ROOMY, ACCOUNT_LIMITS: ROOMY },
        secrets: { TICKET_KEY: JSON.stringify(ticketKey), ADMIN_KEY: adminKey },
      },
    ],
  });
  const floor = await floorWorker(folder, functionUrl, ticketKey);
  const listening = [await bare.listen(), await floor.listen(), await real.listen()];
  const [bareUrl = "", floorUrl = "", url = ""] = listening.map(({ url: at }) => at.href);
  await migrate(real);
  const close = async (): Promise<void> => {
    await Promise.all([bare.close(), floor.close(), real.close()]);
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { url, bareUrl, floorUrl, functionUrl, adminKey, ticketKey, close };
}

async function serve(answer: RequestListener): Promise<Server> {
  const server = createServer(answer);
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

async function floorWorker(
  folder: string,
  functionUrl: string,
  ticketKey: TicketSigningKey,
): Promise<TestHarness> {
  const config = {
    ...{ name: "floor", compatibility_date: "2026-10-01" },
    main: path.resolve("test/bench/floor-worker.js"),
    vars: { FUNCTION_URL: functionUrl, TICKET_KEY: JSON.stringify(ticketKey) },
    durable_objects: {
      bindings: [
        { name: "LEDGER", class_name: "FloorLedger" },
        { name: "ANSWERS", class_name: "FloorAnswers" },
      ],
    },
    migrations: [{ tag: "floor", new_sqlite_classes: ["FloorLedger", "FloorAnswers"] }],
    queues: {
      producers: [{ binding: "USAGE", queue: "floor-usage" }],
      consumers: [{ queue: "floor-usage", max_batch_size: 100, max_batch_timeout: 1 }],
    },
  };
  const configPath = path.join(folder, "floor.json");
  await writeFile(configPath, JSON.stringify(config));
  return createTestHarness({ workers: [{ configPath }] });
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
export async function openAccount(
  { url, adminKey }: Pick<Stand, "url" | "adminKey">,
  micros: number,
): Promise<string> {
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

/** Posts JSON with a key. */
export function post(url: string, key: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Requests a second that so many callers get through, one after another each. Throws where one is refused. */
export async function rate(connections: number, request: () => Promise<Response>): Promise<number> {
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
