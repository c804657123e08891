import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256Hex } from "#wire/codec/digest.ts";
import { FETCH_PATH, RESPONSE_WANTED_HEADER } from "#wire/function/fetch.ts";
import { signTicket } from "#wire/function/ticket.ts";
import { generateTicketKeys, type TicketSigningKey } from "#wire/function/ticket-keys.ts";
import { proveKey } from "../../infra/deploy/cloudflare/keys/prove.ts";
import { listen, type TestServer } from "../support/test-server.ts";

// The hop as a process of its own, as it is run: no model, no weights, no object storage.

let hop: ChildProcess;
let origin: string;
let signing: TicketSigningKey;
let host: TestServer;
let release: () => void;
/** What the process has logged. */
let told: string;

beforeEach(async () => {
  const held = Promise.withResolvers<void>();
  release = held.resolve;
  host = await listen(
    createServer(async (request, response) => {
      if (request.url === "/slow") await held.promise;
      if (request.url === "/wordy") response.writeHead(400).end("words of the receiver");
      else response.writeHead(request.method === "POST" ? 204 : 200).end();
    }),
  );
  const keys = await generateTicketKeys("test");
  ({ signing } = keys);
  hop = spawn(process.execPath, ["src/inference/fetch-hop.ts"], {
    env: {
      PATH: process.env["PATH"],
      UNMASK_PORT: "0",
      UNMASK_FETCH_PRIVATE: "allow",
      UNMASK_TICKET_KEYS: JSON.stringify([keys.verification]),
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  told = "";
  hop.stderr?.on("data", (chunk: Buffer) => {
    told += String(chunk);
  });
  const port = await vi.waitFor(
    () => {
      const [, found] = /"port":(\d+)/.exec(told) ?? [];
      if (found === undefined) throw new Error(`the hop does not listen: ${told}`);
      return found;
    },
    { timeout: 20_000, interval: 50 },
  );
  origin = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  release();
  if (hop.exitCode === null && hop.signalCode === null) {
    hop.kill("SIGKILL");
    await once(hop, "exit");
  }
  await host.close();
});

async function send(path: string, asked: Record<string, string> = {}): Promise<Response> {
  const url = host.origin + path;
  const order = { purpose: "webhook", url, headers: {}, body: "{}", timeout_ms: 10_000 };
  const body = new TextEncoder().encode(JSON.stringify(order));
  const bodySha256 = await sha256Hex(body);
  const ticketId = crypto.randomUUID();
  const ticket = { ticketId, jobId: "whd_1", accountId: "acc", model: "none", bodySha256 };
  const jwt = await signTicket(ticket, signing, Date.now());
  const headers = { authorization: `Bearer ${jwt}`, ...asked };
  return await fetch(origin + FETCH_PATH, { method: "POST", headers, body });
}

describe("the fetch hop", () => {
  test("sends for whoever has a ticket, says how it is, and knows nothing else", async () => {
    expect(await (await send("/")).json()).toMatchObject({ outcome: "response", status: 204 });
    const bare = await fetch(origin + FETCH_PATH, { method: "POST", body: "{}" });
    expect(bare.status).toBe(401);
    expect((await fetch(`${origin}/v1/generate`, { method: "POST" })).status).toBe(404);
    expect(await (await fetch(`${origin}/health`)).json()).toEqual({
      ...{ status: "ok", running: 0, waiting: 0 },
    });
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    expect(metrics).toContain('unmask_fetches_total{purpose="webhook",outcome="204"} 1');
  });

  test("tells how a receiver's response begins to an edge that asks, to no other, and to no log", async () => {
    const response = "words of the receiver";
    const asking = await send("/wordy", { [RESPONSE_WANTED_HEADER]: "1" });
    expect(await asking.json()).toMatchObject({ status: 400, response });
    expect(await (await send("/wordy")).json()).not.toHaveProperty("response");
    await vi.waitFor(() => expect(told.match(/fetch\.ended/g)).toHaveLength(2));
    expect(told).not.toContain(response);
  });

  test("shows a deployment which key it takes, for nothing, and who is no hop at all", async () => {
    const stranger = await generateTicketKeys("test");
    const fault = async (url: string, key: TicketSigningKey) =>
      (await proveKey([url], key, Date.now))[0]?.fault;
    expect(await fault(origin, signing)).toBeNull();
    expect(await fault(origin, stranger.signing)).toContain("does not take the key");
    expect(await fault(host.origin, signing)).toContain("not as a function does");
  });

  test("asked to end, finishes what is on its way, takes nothing more, and ends with 0", async () => {
    const slow = send("/slow");
    await vi.waitFor(async () =>
      expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({ running: 1 }),
    );
    const exit = once(hop, "exit");
    hop.kill("SIGTERM");
    await vi.waitFor(async () => {
      const refused = await send("/");
      expect(await refused.json()).toMatchObject({ code: "draining" });
    });
    release();
    expect(await (await slow).json()).toMatchObject({ outcome: "response", status: 204 });
    expect(await exit).toEqual([0, null]);
  });
});
