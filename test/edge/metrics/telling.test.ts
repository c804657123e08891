import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import type { BacklogEvent, StandingEvent } from "#wire/telemetry/metric-event.ts";
import { holdRequest } from "../../support/ledger-builders.ts";
import {
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  webhookOwner,
} from "../routes/webhook-calls.ts";

afterEach(() => {
  vi.restoreAllMocks();
  silenceWebhooks();
});

/** What objects tell the queue of an account from now on. */
function toldOf<Event extends StandingEvent | BacklogEvent>(account: string, kind: Event["kind"]) {
  const told: Event[] = [];
  const take = (body: unknown): void => {
    const event = body as Partial<Event>;
    if (event.kind === kind && event.account === account) told.push(body as Event);
  };
  const queue = Object.getPrototypeOf(env.USAGE) as typeof env.USAGE;
  const { send, sendBatch } = queue;
  vi.spyOn(queue, "send").mockImplementation(async function (this: typeof queue, body, ...rest) {
    take(body);
    return await send.call(this, body, ...rest);
  });
  vi.spyOn(queue, "sendBatch").mockImplementation(async function (
    this: typeof queue,
    messages,
    ...rest
  ) {
    const all = [...messages];
    for (const { body } of all) take(body);
    return await sendBatch.call(this, all, ...rest);
  });
  return told;
}

test("a ledger tells where it stands with its usage, and what no charge told by alarm", async () => {
  const name = crypto.randomUUID();
  const told = toldOf<StandingEvent>(name, "standing");
  const ledger = ledgerOf(env, name);
  const stub = env.LEDGER.getByName(name);
  await ledger.grant({ grantId: "g", amount: micros(100), note: "" });
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({ available: 100, held: 0, issuer: -100, off_by: 0 });
  await ledger.hold(holdRequest("a"));
  await ledger.hold(holdRequest("b"));
  await ledger.capture({ holdId: "a", charge: micros(4), steps: 4, reply: null });
  await vi.waitFor(() => expect(told).toHaveLength(2), { timeout: 5_000 });
  expect(told[1]).toMatchObject({ available: 86, held: 10, revenue: 4, off_by: 0, open_holds: 1 });
  expect(told[1]?.hold_expires_at).toBeGreaterThan(Date.now());
  await ledger.release("b");
  await runDurableObjectAlarm(stub);
  expect(told[2]).toMatchObject({ available: 96, held: 0, open_holds: 0, oldest_hold_at: null });
  // Nothing has changed since.
  await runInDurableObject(stub, (_, { storage }) => storage.setAlarm(Date.now() + 60_000));
  await runDurableObjectAlarm(stub);
  expect(told).toHaveLength(3);
});

test("a ledger whose books disagree says by how much, leaves a line in the log, and goes on working", async () => {
  const name = crypto.randomUUID();
  const told = toldOf<StandingEvent>(name, "standing");
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const ledger = ledgerOf(env, name);
  const stub = env.LEDGER.getByName(name);
  await ledger.grant({ grantId: "g", amount: micros(100), note: "" });
  await ledger.hold(holdRequest("a"));
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("UPDATE holds SET amount = amount + 3, expires_at = 0 WHERE id = 'a'");
  });
  await runDurableObjectAlarm(stub);
  expect(told.at(-1)).toMatchObject({ off_by: 3, open_holds: 1 });
  expect(told.at(-1)?.hold_expires_at).toBeGreaterThan(Date.now());
  expect(logged.mock.calls.join()).toContain("the books of a ledger disagree");
  await ledger.hold(holdRequest("b"));
  expect(
    await ledger.capture({ holdId: "b", charge: micros(4), steps: 4, reply: null }),
  ).toMatchObject({ charged: 4n });
});

test("a teller of webhooks tells what it could not deliver, that it has delivered it at last, and nothing where all arrive", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const owner = await webhookOwner();
  const told = toldOf<BacklogEvent>(owner.account, "backlog");
  const stub = env.WEBHOOKS.getByName(owner.account);
  await endpointOf(owner);
  receiverReplies(owner, () => replied(200));
  await tell(owner.account);
  await runDurableObjectAlarm(stub);
  expect(told).toEqual([]);
  receiverReplies(owner, () => replied(500));
  await tell(owner.account);
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({ waiting: 1, failed: 0 });
  receiverReplies(owner, () => replied(200));
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("UPDATE deliveries SET due_at = 0 WHERE state = 'waiting'");
    storage.sql.exec("UPDATE receivers SET due_at = 0");
  });
  await runDurableObjectAlarm(stub);
  expect(told.at(-1)).toMatchObject({ waiting: 0, oldest_at: null, failed: 0 });
});
