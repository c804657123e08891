import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { noticesOf } from "#edge/webhooks/notice-client.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { deliveryListSchema, redeliveredSchema } from "#wire/api/webhooks/deliveries.ts";
import { webhookSecretSchema } from "#wire/api/webhooks/endpoints.ts";
import { verifyMessage } from "#wire/codec/standard-webhooks.ts";
import { type Delivery, FETCH_PATH } from "#wire/function/fetch.ts";
import { isTicketFor, openTicket } from "#wire/function/ticket.ts";
import { verificationKeysText } from "#wire/function/ticket-keys.ts";
import { story } from "../../../support/edge-builders.ts";
import { askJson, eventReply, functionReplies, type SentRequest } from "../../function-double.ts";
import {
  deliveriesOf,
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  tried,
  webhookOwner,
} from "../webhook-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

describe("the delivery log works", () => {
  test("shows a delivery with what was sent, to the byte, and its attempts", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    const { id: endpoint, url } = await endpointOf(owner);
    const notice = await tell(owner.account);
    const delivery = await tried(owner);
    expect(delivery).toMatchObject({
      ...{ object: "webhook_delivery", notice, event: "answer.completed", endpoint, url },
      ...{ status: "delivered", attempt_count: 1, next_attempt_at: null },
      attempts: [{ number: 1, status: 200, duration_ms: 12, location: null, failure: null }],
    });
    expect(delivery.body).toBe(sent[0]?.body);
  });

  test("shows, of a delivery alone, how its receiver's responses begin, as text, and how long it asked to wait", async () => {
    const owner = await webhookOwner();
    const response = "<script>alert(1)</script> \ufffd";
    const { sent } = receiverReplies(owner, () => replied(503, { response, retry_after: "90" }));
    await endpointOf(owner);
    await tell(owner.account);
    const { id, attempts } = await tried(owner);
    expect(attempts).toMatchObject([{ status: 503, retry_after: 90, response }]);
    expect(sent[0]?.wantsResponse).toBe(true);
    const shown = await owner.call("GET", `webhook_deliveries/${id}`);
    expect(shown.headers.get("content-type")).toMatch(/^application\/json/);
    const [listed] = await deliveriesOf(owner);
    expect(listed).not.toHaveProperty("body");
    expect(listed).not.toHaveProperty("attempts");
  });

  test("shows no response where the hop of before tells none", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(200));
    await endpointOf(owner);
    await tell(owner.account);
    expect((await tried(owner)).attempts).toMatchObject([{ retry_after: null, response: null }]);
  });

  test("has not one of the receiver's words in what the Worker logs", async () => {
    const [logs, errors] = [vi.spyOn(console, "log"), vi.spyOn(console, "error")];
    for (const spy of [logs, errors]) spy.mockImplementation(() => {});
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(500, { response: "word-of-the-receiver".repeat(99) }));
    await endpointOf(owner);
    await tell(owner.account);
    // Longer than a hop may tell: refused, and that is logged.
    await vi.waitFor(() => expect(errors).toHaveBeenCalled());
    const lines = [logs, errors].flatMap(({ mock }) => mock.calls.flat().map(String));
    expect(lines.join()).not.toContain("word-of-the-receiver");
  });

  test("shows a redirect as a failure, with where it led, and when the next attempt comes", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(301, { location: "https://moved.example/" }));
    await endpointOf(owner);
    await tell(owner.account);
    const delivery = await tried(owner);
    expect(delivery).toMatchObject({ status: "waiting", attempts: [{ status: 301 }] });
    expect(delivery.attempts?.[0]?.location).toBe("https://moved.example/");
    const waitMs = Date.parse(delivery.next_attempt_at ?? "") - Date.now();
    expect(waitMs).toBeGreaterThan(2_000);
    expect(waitMs).toBeLessThan(6_000);
  });

  test("shows why there was no reply at all", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, () => ({
      ...{ outcome: "failed", reason: "blocked", detail: "leads to a private address" },
      duration_ms: 1,
    }));
    await endpointOf(owner);
    await tell(owner.account);
    expect((await tried(owner)).attempts).toMatchObject([
      { status: null, failure: "blocked: leads to a private address" },
    ]);
  });

  test("waits as long as a receiver asks for with 429", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(429, { retry_after: "3600" }));
    await endpointOf(owner);
    await tell(owner.account);
    const { next_attempt_at } = await tried(owner);
    const waitMs = Date.parse(next_attempt_at ?? "") - Date.now();
    expect(Math.round(waitMs / 60_000)).toBe(60);
  });

  test("lists newest first, in pages, by endpoint, event and status", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, ({ url }) => replied(url.includes("down") ? 500 : 200));
    const up = await endpointOf(owner, { url: "https://up.example/" });
    const down = await endpointOf(owner, { url: "https://down.example/" });
    for (const type of ["answer.completed", "answer.failed"] as const)
      await tell(owner.account, { type });
    await vi.waitFor(async () => {
      const counts = (await deliveriesOf(owner)).map(({ attempt_count }) => attempt_count);
      expect(counts).toEqual([1, 1, 1, 1]);
    });
    const endpoints = async (query: string) =>
      (await deliveriesOf(owner, query)).map(({ endpoint }) => endpoint);
    expect(await endpoints("?status=delivered")).toEqual([up.id, up.id]);
    expect(await endpoints(`?endpoint=${down.id}&event=answer.failed`)).toEqual([down.id]);
    expect(await endpoints("?status=failed")).toEqual([]);
    const seen: string[] = [];
    for (let after = ""; ; ) {
      const response = await owner.call("GET", `webhook_deliveries?limit=3${after}`);
      const page = deliveryListSchema.parse(await response.json());
      seen.push(...page.data.map(({ id }) => id));
      if (page.next_cursor === null) break;
      after = `&after=${page.next_cursor}`;
    }
    expect(new Set(seen).size).toBe(4);
    expect(seen).toEqual((await deliveriesOf(owner)).map(({ id }) => id));
  });
});

describe("redelivery works", () => {
  test("for one delivery, under the same webhook-id", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    await endpointOf(owner);
    await tell(owner.account);
    const { id } = await tried(owner);
    const again = await owner.call("POST", `webhook_deliveries/${id}/redeliver`);
    expect([again.status, redeliveredSchema.parse(await again.json()).count]).toEqual([202, 1]);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.headers["webhook-id"]).toBe(sent[0]?.headers["webhook-id"]);
    await vi.waitFor(async () => expect((await deliveriesOf(owner))[0]?.status).toBe("delivered"));
  });

  test("for everything that failed in a time, once its receiver is back", async () => {
    let isDown = true;
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(isDown ? 410 : 200));
    const { id: endpoint } = await endpointOf(owner);
    const since = new Date(Date.now() - 1000).toISOString();
    await tell(owner.account);
    await vi.waitFor(async () => expect((await deliveriesOf(owner))[0]?.status).toBe("failed"));
    isDown = false;
    await owner.call("PATCH", `webhook_endpoints/${endpoint}`, { enabled: true });
    const body = { endpoint, status: "failed", since };
    const again = await owner.call("POST", "webhook_deliveries/redeliver", body);
    expect(redeliveredSchema.parse(await again.json()).count).toBe(1);
    await vi.waitFor(async () => expect((await deliveriesOf(owner))[0]?.status).toBe("delivered"));
    expect(sent).toHaveLength(2);
  });
});

describe("an address that a request names", () => {
  test("is told with the account's own secret, and shown in the log without an endpoint", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    const notice = { id: `evt_${crypto.randomUUID()}`, type: "answer.completed" } as const;
    await noticesOf(env).accept(
      { ...notice, accountId: owner.account, at: Date.now(), data: { answer: "A dog." } },
      { url: "https://own.example/hook", secret: null, wantsDrafts: false },
    );
    expect(await tried(owner)).toMatchObject({ endpoint: null, url: "https://own.example/hook" });
    const shown = await owner.call("GET", "webhook_secret");
    const { secret } = webhookSecretSchema.parse(await shown.json());
    const [delivery] = sent;
    const headers = new Headers(delivery?.headers);
    expect(await verifyMessage(headers, delivery?.body ?? "", [secret], Date.now())).toBe(true);
  });
});

test("an answer is told to the address that its question named, and the ticket is for exactly this body", async () => {
  const delivered: SentRequest[] = [];
  functionReplies((sent) => {
    if (!sent.url.endsWith(FETCH_PATH)) return eventReply(story);
    if (new TextDecoder().decode(sent.body).includes("https://own.example/answer"))
      delivered.push(sent);
    return Response.json(replied(204));
  });
  const asked = await askJson({ question: "What is this?", webhook: "https://own.example/answer" });
  const answer = answerSchema.parse(await asked.json());
  await vi.waitFor(() => expect(delivered).toHaveLength(1), { timeout: 5_000, interval: 20 });
  const { headers, body } = delivered[0] ?? { headers: new Headers(), body: new Uint8Array() };
  const order: Delivery = JSON.parse(new TextDecoder().decode(body));
  expect(JSON.parse(order.body)).toMatchObject({ type: "answer.completed", data: answer });
  const jwt = headers.get("authorization")?.replace("Bearer ", "") ?? "";
  const keys = verificationKeysText.parse(env.TEST_TICKET_KEYS);
  const ticket = await openTicket(jwt, keys, Date.now());
  expect(ticket.ok && (await isTicketFor(ticket.value, Uint8Array.from(body)))).toBe(true);
  expect(ticket).toMatchObject({ value: { accountId: "acc_test" } });
});

test("a notice that is told twice is delivered once", async () => {
  const owner = await webhookOwner();
  const { sent } = receiverReplies(owner, () => replied(200));
  await endpointOf(owner);
  const id = `evt_${crypto.randomUUID()}`;
  await tell(owner.account, { id });
  await tell(owner.account, { id });
  await tried(owner);
  expect([sent.length, (await deliveriesOf(owner)).length]).toEqual([1, 1]);
});

test("an alarm is set for as long as something waits", async () => {
  const owner = await webhookOwner();
  receiverReplies(owner, () => replied(500));
  await endpointOf(owner);
  await tell(owner.account);
  const { next_attempt_at } = await tried(owner);
  await vi.waitFor(async () => {
    const alarm = await runInDurableObject(env.WEBHOOKS.getByName(owner.account), (_, state) =>
      state.storage.getAlarm(),
    );
    expect(alarm).toBe(Date.parse(next_attempt_at ?? ""));
  });
});
