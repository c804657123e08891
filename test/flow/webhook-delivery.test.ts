import { createServer, type IncomingMessage } from "node:http";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "#domain/failure.ts";
import type { Settings } from "#edge/settings.ts";
import type { WebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { createSender, functionSender } from "#edge/webhooks/webhook-sender.ts";
import { deliver } from "#inference/fetch/deliver.ts";
import { generateSecret } from "#wire/codec/standard-webhooks.ts";
import { FETCH_PATH, fetchOrderSchema, RESPONSE_WANTED_HEADER } from "#wire/function/fetch.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { isTicketFor, openTicket } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { nodeStore } from "../support/ledger-twin.ts";
import { listen, type TestServer } from "../support/test-server.ts";

// The edge's half of a delivery and the function's, joined as they are in service, before a receiver on loopback that
// verifies with the package standardwebhooks.

const FETCH_URL = "http://hop.test";
const secret = generateSecret((count) => crypto.getRandomValues(new Uint8Array(count)));

let receiver: TestServer;
let repository: WebhookRepository;
let settings: Settings;
let allowsPrivate: boolean;
let heard: { readonly id: unknown; readonly message: unknown }[];

beforeEach(async () => {
  allowsPrivate = true;
  heard = [];
  receiver = await listen(
    createServer(async (request, response) => {
      const message = new Webhook(secret).verify(await textOf(request), headersOf(request));
      heard.push({ id: request.headers["webhook-id"], message });
      if (request.url === "/moved")
        response.writeHead(308, { location: `${receiver.origin}/ok` }).end("moved for good");
      else if (request.url === "/busy") response.writeHead(503, { "retry-after": "120" }).end();
      else if (request.url === "/cut") request.socket.destroy();
      else response.writeHead(204).end();
    }),
  );
  const { signing, verification } = await generateTicketKeys("test");
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    expect(request.url).toBe(FETCH_URL + FETCH_PATH);
    const body = new Uint8Array(await request.arrayBuffer());
    const jwt = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    const ticket = await openTicket(jwt, [verification], Date.now());
    if (!ticket.ok || !(await isTicketFor(ticket.value, body))) throw new Error("no ticket");
    const order = fetchOrderSchema.parse(JSON.parse(new TextDecoder().decode(body)));
    if (order.purpose !== "webhook") throw new Error("no order for a delivery");
    const reach = { resolve: async () => ["127.0.0.1"], allowsPrivate, forbiddenPorts: [] };
    const wantsResponse = request.headers.get(RESPONSE_WANTED_HEADER) === "1";
    return Response.json(await deliver(order, reach, request.signal, Date.now, wantsResponse));
  });
  settings = {
    fetchUrl: FETCH_URL,
    ticketKey: signing,
  } as Settings;
  let ids = 0;
  repository = openWebhookRepository(nodeStore(), {
    now: () => Date.now(),
    random: Math.random,
    newId: (prefix) => `${prefix}_${++ids}`,
  });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await receiver.close();
});

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks = await Array.fromAsync<Uint8Array>(request);
  return Buffer.concat(chunks).toString("utf8");
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  return Object.fromEntries(names.map((name) => [name, String(request.headers[name])]));
}

function refusedBy(failure: Failure): Promise<Response> {
  return refusalResponse(failure, { requestId: "whd_1", instance: FETCH_PATH });
}

function brokenBody(): ReadableStream {
  return new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) });
}

/** Tells a path of the receiver, and returns what the log shows of it. */
async function told(path: string) {
  const url = receiver.origin + path;
  const data = { answer: "Ein Hund – 狗 🐶" };
  const notice = {
    id: "evt_1",
    type: "answer.completed",
    accountId: "acc_1",
    at: 0,
    data,
  } as const;
  repository.accept(notice, { url, secret, wantsDrafts: false });
  await createSender(repository, functionSender(settings)).run();
  const [delivery] = repository.deliveries({}, 1);
  return repository.delivery(delivery?.id ?? "");
}

describe("a webhook", () => {
  test("arrives as it was signed, whatever is in it", async () => {
    const found = await told("/ok");
    expect(found?.delivery).toMatchObject({ state: "delivered", attempts: 1 });
    expect(heard).toEqual([
      {
        id: "evt_1",
        message: {
          ...{ type: "answer.completed", timestamp: "1970-01-01T00:00:00.000Z" },
          data: { answer: "Ein Hund – 狗 🐶" },
        },
      },
    ]);
  });

  test("that is redirected is not followed, and the log shows where to, and how the response began", async () => {
    const found = await told("/moved");
    expect(found?.attempts).toMatchObject([
      { reply: { status: 308, location: `${receiver.origin}/ok` }, response: "moved for good" },
    ]);
    expect(heard).toHaveLength(1);
  });

  test("waits as long as its receiver says", async () => {
    const found = await told("/busy");
    const waitMs = (found?.delivery.dueAt ?? 0) - Date.now();
    expect(Math.round(waitMs / 1000)).toBe(120);
  });

  test("whose receiver cuts the connection has failed", async () => {
    expect((await told("/cut"))?.attempts).toMatchObject([
      { reply: { outcome: "failed", reason: "unreachable" } },
    ]);
  });

  test.each<[string, () => Response | Promise<Response>]>([
    ["is not there", () => Promise.reject(new TypeError("connection refused"))],
    ["is full", () => refusedBy({ kind: "overloaded", retryAfterSeconds: 1 })],
    ["is restarting", () => refusedBy({ kind: "draining" })],
    ["refuses our ticket", () => refusedBy({ kind: "ticket_refused", reason: "too old" })],
    ["has a fault of its own", () => refusedBy({ kind: "internal" })],
    ["is a gateway before nothing", () => new Response("bad gateway", { status: 502 })],
    ["is something else", () => new Response("hello")],
    ["says what is no reply", () => Response.json({ outcome: "response", status: 9999 })],
    ["breaks off in the middle", () => new Response(brokenBody())],
    ["is not heard of in time", () => Promise.reject(new DOMException("late", "TimeoutError"))],
  ])("whose fetch hop %s is no attempt, and is sent a second later", async (_, reply) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const sending = vi.mocked(fetch).getMockImplementation();
    vi.mocked(fetch).mockImplementation(async () => await reply());
    const found = await told("/ok");
    expect(found).toMatchObject({ delivery: { state: "waiting", attempts: 0 }, attempts: [] });
    const waitMs = (found?.delivery.dueAt ?? 0) - Date.now();
    expect(Math.round(waitMs / 1000)).toBe(1);
    if (sending !== undefined) vi.mocked(fetch).mockImplementation(sending);
    vi.setSystemTime(Date.now() + 1_500);
    await createSender(repository, functionSender(settings)).run();
    expect(repository.delivery(found?.delivery.id ?? "")).toMatchObject({
      delivery: { state: "delivered", attempts: 1 },
    });
  });

  test("to a private address is not sent", async () => {
    allowsPrivate = false;
    expect((await told("/ok"))?.attempts).toMatchObject([
      { reply: { outcome: "failed", reason: "blocked" } },
    ]);
    expect(heard).toEqual([]);
  });
});
