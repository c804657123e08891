import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { sumOf } from "#domain/ledger.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { accountSchema } from "#wire/api/accounts/accounts.ts";
import { accountWithCharge, administer } from "../administration.ts";

describe("refunds withstand", () => {
  test("the same one sent eight times at once: it is given once", async () => {
    const { account } = await accountWithCharge("ans_eight", 40);
    const body = { id: "rfd_eight", answer: "ans_eight", amount_micros: 10 };
    const racing = Array.from({ length: 8 }, () =>
      administer("POST", `/v1/accounts/${account}/refunds`, body),
    );
    for (const { status } of await Promise.all(racing)) expect(status).toBe(201);
    expect(await ledgerOf(env, account).balance()).toMatchObject({ available: 970n, revenue: 30n });
  });

  test("different ones that race for one charge: never more than it is given back", async () => {
    const { account } = await accountWithCharge("ans_raced", 40);
    const body = { answer: "ans_raced", amount_micros: 15 };
    const racing = Array.from({ length: 8 }, () =>
      administer("POST", `/v1/accounts/${account}/refunds`, body),
    );
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, 201, ...Array(6).fill(400)]);
    const balance = await ledgerOf(env, account).balance();
    expect(balance).toMatchObject({ available: 990n, revenue: 10n });
    expect(sumOf(balance)).toBe(0n);
  });
});

describe("changing an account withstands", () => {
  test("changes of different members at once: all are kept", async () => {
    await administer("POST", "/v1/accounts", { id: "acc_0changes", name: "Race" });
    const changes = [
      { limits: { concurrent: 7 } },
      { limits: { requests_per_minute: 8 } },
      { limits: { steps_per_minute: 9 } },
      { stripe_customer_id: "cus_race" },
    ];
    await Promise.all(
      changes.map((body) => administer("PATCH", "/v1/accounts/acc_0changes", body)),
    );
    const changed = await administer("PATCH", "/v1/accounts/acc_0changes", {});
    expect(accountSchema.parse(await changed.json())).toMatchObject({
      limits: { concurrent: 7, requests_per_minute: 8, steps_per_minute: 9 },
      stripe_customer_id: "cus_race",
    });
  });
});
