import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { micros } from "#domain/micros.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { accountSchema } from "#wire/api/accounts/accounts.ts";
import { holdRequest } from "../../support/ledger-builders.ts";
import { refusal } from "../function-double.ts";
import { administer } from "../routes/administration.ts";
import {
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  type WebhookOwner,
  webhookOwner,
} from "../routes/webhook-calls.ts";

afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

/** Charges an account ten micro-dollars of its hundred, and lets its ledger's alarm ring. */
async function charge({ account }: WebhookOwner): Promise<void> {
  const ledger = ledgerOf(env, account);
  await ledger.grant({ grantId: "g", amount: micros(100), note: "" });
  await ledger.hold(holdRequest("ans_low", { accountId: account, amount: micros(10) }));
  await ledger.capture({ holdId: "ans_low", charge: micros(10), steps: 4, reply: null });
  await runDurableObjectAlarm(env.LEDGER.getByName(account));
}

async function setThreshold(
  { account }: WebhookOwner,
  threshold: number | null,
): Promise<Response> {
  return await administer("PATCH", `/v1/accounts/${account}`, { credit_low_micros: threshold });
}

describe("credit.low", () => {
  test("goes to the account's endpoints when a charge takes the credit below its threshold", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    await endpointOf(owner);
    const changed = accountSchema.parse(await (await setThreshold(owner, 95)).json());
    expect(changed.credit_low_micros).toBe(95);
    await charge(owner);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(JSON.parse(sent[0]?.body ?? "")).toMatchObject({
      type: "credit.low",
      data: { available_micros: 90, threshold_micros: 95 },
    });
  });

  test("is off at first, and after it was taken back", async () => {
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    await endpointOf(owner);
    await setThreshold(owner, 95);
    const changed = accountSchema.parse(await (await setThreshold(owner, null)).json());
    expect(changed.credit_low_micros).toBeNull();
    await charge(owner);
    expect(sent).toEqual([]);
  });

  test("waits in the ledger while the teller cannot be reached", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const owner = await webhookOwner();
    const { sent } = receiverReplies(owner, () => replied(200));
    await endpointOf(owner);
    await setThreshold(owner, 95);
    const broken = vi.spyOn(env.WEBHOOKS, "getByName").mockImplementation(() => {
      throw new Error("the teller is gone");
    });
    await charge(owner);
    broken.mockRestore();
    expect(JSON.stringify(logged.mock.calls)).toContain("the teller is gone");
    expect(sent).toEqual([]);
    await vi.waitFor(() => expect(sent).toHaveLength(1), { timeout: 10_000, interval: 100 });
  });

  test.each([0, -1, 1.5, "95"])("refuses the threshold %s", async (threshold) => {
    const owner = await webhookOwner();
    const body = { credit_low_micros: threshold };
    const response = await administer("PATCH", `/v1/accounts/${owner.account}`, body);
    expect((await refusal(response)).errors?.[0]?.pointer).toBe("/credit_low_micros");
  });
});
