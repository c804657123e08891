import { describe, expect, test, vi } from "vitest";
import type { WebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import type { DueDelivery } from "#edge/webhooks/storage/webhook-tables.ts";
import { createSender, MAX_SENDING } from "#edge/webhooks/webhook-sender.ts";
import type { DeliveryReply } from "#wire/function/fetch.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const delivered: DeliveryReply = {
  ...{ outcome: "response", status: 200, retry_after: null, location: null, duration_ms: 1 },
};

function opened(): WebhookRepository {
  let ids = 0;
  return openWebhookRepository(nodeStore(), {
    now: () => 1_790_000_000_000,
    random: () => 0.5,
    newId: (prefix) => `${prefix}_${++ids}`,
  });
}

function tell(repository: WebhookRepository, id: string, url: string): void {
  const notice = { id, type: "answer.completed", accountId: "acc_1", at: 0, data: {} } as const;
  repository.accept(notice, { url, secret: "whsec_x", wantsDrafts: false });
}

/** A sender whose receivers hang until they are told to reply. */
function hanging(repository: WebhookRepository) {
  const replies = new Map<string, (reply: DeliveryReply) => void>();
  const send = vi.fn(
    ({ noticeId }: DueDelivery) =>
      new Promise<DeliveryReply>((resolve) => replies.set(noticeId, resolve)),
  );
  return { sender: createSender(repository, send), replies, send };
}

describe("a sender", () => {
  test("sends what comes while a receiver hangs, without waiting for it", async () => {
    const repository = opened();
    const { sender, replies, send } = hanging(repository);
    tell(repository, "evt_slow", "https://slow.test/");
    const run = sender.run();
    await vi.waitFor(() => expect(replies.has("evt_slow")).toBe(true));
    tell(repository, "evt_fast", "https://fast.test/");
    sender.wake();
    await vi.waitFor(() => expect(replies.has("evt_fast")).toBe(true));
    for (const reply of replies.values()) reply(delivered);
    await run;
    expect(send).toHaveBeenCalledTimes(2);
    expect(repository.deliveries({ state: "delivered" }, 9)).toHaveLength(2);
  });

  test("opens no more connections than a Worker may have, and goes on as they end", async () => {
    const repository = opened();
    const { sender, replies, send } = hanging(repository);
    for (let index = 0; index < 20; index += 1)
      tell(repository, `evt_${index}`, `https://host${index}.test/`);
    const run = sender.run();
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(MAX_SENDING));
    replies.get("evt_0")?.(delivered);
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(MAX_SENDING + 1));
    const answerAll = setInterval(() => {
      for (const reply of replies.values()) reply(delivered);
    }, 1);
    await run;
    clearInterval(answerAll);
    expect(send).toHaveBeenCalledTimes(20);
  });

  test("stops when our side does not send, and leaves the rest for the next run", async () => {
    const repository = opened();
    for (let index = 0; index < 20; index += 1)
      tell(repository, `evt_${index}`, `https://host${index}.test/`);
    const send = vi.fn(async () => ({ outcome: "unsent" }) as const);
    await createSender(repository, send).run();
    expect(send).toHaveBeenCalledTimes(MAX_SENDING);
    expect(repository.deliveries({ state: "waiting" }, 30)).toHaveLength(20);
    expect(repository.deliveries({}, 30).every(({ attempts }) => attempts === 0)).toBe(true);
  });

  test("is one sender, however often it is started", async () => {
    const repository = opened();
    const { sender, replies, send } = hanging(repository);
    tell(repository, "evt_1", "https://one.test/");
    const runs = [sender.run(), sender.run()];
    await vi.waitFor(() => expect(replies.size).toBe(1));
    replies.get("evt_1")?.(delivered);
    await Promise.all(runs);
    expect(send).toHaveBeenCalledTimes(1);
  });

  test("that cannot write down what came of a sending fails its run, and the next begins anew", async () => {
    const repository = opened();
    tell(repository, "evt_1", "https://one.test/");
    let isBroken = true;
    const fragile: WebhookRepository = {
      ...repository,
      record: (id, reply) => {
        if (isBroken) throw new Error("the disk is full");
        repository.record(id, reply);
      },
    };
    const sender = createSender(fragile, async () => delivered);
    await expect(sender.run()).rejects.toThrow("the disk is full");
    isBroken = false;
    tell(repository, "evt_2", "https://two.test/");
    await sender.run();
    expect(repository.deliveries({ state: "delivered" }, 9)).toHaveLength(1);
    expect(repository.deliveries({ state: "waiting" }, 9)).toHaveLength(1);
  });
});
