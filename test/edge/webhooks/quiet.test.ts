import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Notice } from "#domain/notice.ts";
import { noticesOf } from "#edge/webhooks/notice-client.ts";
import { QuietAccounts } from "#edge/webhooks/quiet.ts";
import { WebhookObject } from "#edge/webhooks/webhook-object.ts";
import {
  deliveriesOf,
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  webhookOwner,
} from "../routes/webhook-calls.ts";

// This one waits until an endpoint is confirmed; others are told that it is.
beforeEach(() => {
  vi.spyOn(QuietAccounts, "over").mockRestore();
});
afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

function callsOf(name: "accept", account: string): () => number {
  const spy = vi.spyOn(WebhookObject.prototype, name);
  return () => spy.mock.calls.filter(([notice]) => notice.accountId === account).length;
}

test("an account without endpoints is asked once for the answers of half a second, not for each", async () => {
  const { account } = await webhookOwner();
  const calls = callsOf("accept", account);
  for (let answer = 0; answer < 5; answer += 1) await tell(account);
  expect(calls()).toBe(1);
});

test("what ends after an account's first endpoint is confirmed is told to it, whatever was heard of the account before", async () => {
  const owner = await webhookOwner();
  receiverReplies(owner, () => replied(204));
  await tell(owner.account);
  await endpointOf(owner);
  const id = await tell(owner.account);
  expect(await deliveriesOf(owner)).toMatchObject([{ notice: id }]);
});

test("an address that a request named is told, also where the account was just heard to have no endpoint", async () => {
  const { account } = await webhookOwner();
  const calls = callsOf("accept", account);
  await tell(account);
  const notice: Notice = {
    ...{ id: `evt_${crypto.randomUUID()}`, type: "answer.completed", accountId: account, at: 0 },
    data: { object: "answer", answer: "A dog." },
  };
  const url = "https://named.test/hook";
  await noticesOf(env).accept(notice, { url, secret: null, wantsDrafts: false });
  expect(calls()).toBe(2);
});
