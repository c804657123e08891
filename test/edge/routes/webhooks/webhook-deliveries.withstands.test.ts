import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { functionReplies, refusal } from "../../function-double.ts";
import {
  deliveriesOf,
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  tried,
  type WebhookOwner,
  webhookOwner,
} from "../webhook-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

/** Lets time pass for everything that waits. */
async function age({ account }: WebhookOwner, milliseconds: number): Promise<void> {
  await runInDurableObject(env.WEBHOOKS.getByName(account), async (_, state) => {
    state.storage.sql.exec(
      `UPDATE deliveries SET due_at = due_at - ?1, leased_until = leased_until - ?1
       WHERE state = 'waiting'`,
      milliseconds,
    );
    state.storage.sql.exec("UPDATE receivers SET due_at = due_at - ?", milliseconds);
    await state.storage.setAlarm(Date.now());
  });
}

describe("webhook deliveries withstand", () => {
  test("another account that knows a delivery's id", async () => {
    const [owner, stranger] = [await webhookOwner(), await webhookOwner()];
    receiverReplies(owner, () => replied(200));
    await endpointOf(owner);
    await tell(owner.account);
    const { id } = await tried(owner);
    for (const [method, path] of [
      ["GET", ""],
      ["POST", "/redeliver"],
    ] as const)
      expect(
        await refusal(await stranger.call(method, `webhook_deliveries/${id}${path}`)),
      ).toMatchObject({ code: "not_found" });
    expect(await deliveriesOf(stranger)).toEqual([]);
  });

  test("a receiver that is down for days and comes back", async () => {
    let isDown = true;
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(isDown ? 500 : 200));
    await endpointOf(owner);
    await tell(owner.account);
    await tried(owner);
    for (let attempts = 2; attempts <= 5; attempts += 1) {
      await age(owner, 24 * 3_600_000);
      await tried(owner, attempts);
    }
    isDown = false;
    await age(owner, 24 * 3_600_000);
    expect(await tried(owner, 6)).toMatchObject({ status: "delivered" });
  });

  test.each<[string, () => Response]>([
    [
      "cannot be reached",
      () => {
        throw new TypeError("connection refused");
      },
    ],
    ["replies with something else", () => Response.json({ outcome: "response", status: "fine" })],
  ])("a fetch hop that %s: no attempt is made, and the delivery waits", async (_, reply) => {
    const hop = functionReplies(reply);
    const owner = await webhookOwner();
    await endpointOf(owner);
    await tell(owner.account);
    await vi.waitFor(() => expect(hop.sent.length).toBeGreaterThan(1), { timeout: 5_000 });
    const delivery = await tried(owner, 0);
    expect(delivery).toMatchObject({ status: "waiting", attempts: [] });
  });

  test("a receiver that hangs: others hear at once", async () => {
    const hangs = Promise.withResolvers<void>();
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, async ({ url }) => {
      if (url.includes("slow")) await hangs.promise;
      return replied(200);
    });
    const { id: slow } = await endpointOf(owner, { url: "https://slow.example/" });
    for (let index = 0; index < 10; index += 1) await tell(owner.account);
    await vi.waitFor(() => expect(sent.length).toBeGreaterThan(0));
    const { id: fast } = await endpointOf(owner, { url: "https://fast.example/" });
    await tell(owner.account);
    await vi.waitFor(async () => {
      const done = await deliveriesOf(owner, `?endpoint=${fast}`);
      expect(done.map(({ status }) => status)).toEqual(["delivered"]);
    });
    expect(await deliveriesOf(owner, `?endpoint=${slow}&status=delivered`)).toEqual([]);
    hangs.resolve();
    await vi.waitFor(async () =>
      expect(await deliveriesOf(owner, "?status=waiting")).toHaveLength(0),
    );
  });

  test("an object that dies with a delivery in hand: it is sent again under its id", async () => {
    const hangs = Promise.withResolvers<void>();
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, async () => {
      if (sent.length === 1) await hangs.promise;
      return replied(200);
    });
    await endpointOf(owner);
    await tell(owner.account);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    const stub = env.WEBHOOKS.getByName(owner.account);
    const killed = runInDurableObject(stub, (_, state) => state.abort("the machine died"));
    await expect(killed).rejects.toThrow("the machine died");
    await age(owner, 60_000);
    expect(await tried(owner)).toMatchObject({ status: "delivered" });
    hangs.resolve();
    expect(sent).toHaveLength(2);
    expect(sent[1]?.headers["webhook-id"]).toBe(sent[0]?.headers["webhook-id"]);
  });
});
