import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { sumOf } from "#domain/ledger.ts";
import { micros } from "#domain/micros.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { HOLD_LIFETIME_MS } from "#edge/ledger/storage/hold-rows.ts";
import { ledgerContract } from "../../contract/ledger.ts";
import { holdRequest } from "../../support/ledger-builders.ts";

ledgerContract("the ledger object", () => {
  const name = crypto.randomUUID();
  return { ledger: ledgerOf(env, name), age: (milliseconds) => ageHolds(name, milliseconds) };
});

/** Lets time pass for all holds of an account. */
async function ageHolds(name: string, milliseconds: number): Promise<void> {
  await runInDurableObject(env.LEDGER.getByName(name), (_, state) => {
    state.storage.sql.exec(
      "UPDATE holds SET expires_at = expires_at - ?, opened_at = opened_at - ?",
      ...[milliseconds, milliseconds],
    );
  });
}

async function alarmOf(name: string): Promise<number | null> {
  return await runInDurableObject(env.LEDGER.getByName(name), (_, state) =>
    state.storage.getAlarm(),
  );
}

describe("the ledger object", () => {
  test("lets no more of 500 racing requests through than the credit pays for", async () => {
    const ledger = ledgerOf(env, crypto.randomUUID());
    await ledger.grant({ grantId: "g", amount: micros(500), note: "" });
    const race = Array.from({ length: 500 }, async (_, index) => {
      const holdId = `ans_${index}`;
      const held = await ledger.hold(holdRequest(holdId));
      if (held.ok && index % 2 === 0)
        await ledger.capture({ holdId, charge: micros(10), steps: 4, reply: null });
      return held.ok;
    });
    const letIn = (await Promise.all(race)).filter((isLetIn) => isLetIn);
    const balance = await ledger.balance();
    expect([letIn.length, balance.available, sumOf(balance)]).toEqual([50, 0n, 0n]);
    expect(balance.held + balance.revenue).toBe(500n);
  });

  test("keeps its books when it is evicted between hold and capture", async () => {
    const name = crypto.randomUUID();
    const ledger = ledgerOf(env, name);
    await ledger.grant({ grantId: "g", amount: micros(10), note: "" });
    await ledger.hold(holdRequest("a"));
    await evictDurableObject(env.LEDGER.getByName(name));
    expect(
      await ledger.capture({ holdId: "a", charge: micros(10), steps: 4, reply: null }),
    ).toMatchObject({ charged: 10n });
    expect(await ledger.balance()).toMatchObject({ available: 0n, held: 0n, revenue: 10n });
  });

  test("gives an expired hold back by alarm", async () => {
    const name = crypto.randomUUID();
    const ledger = ledgerOf(env, name);
    const stub = env.LEDGER.getByName(name);
    await ledger.grant({ grantId: "g", amount: micros(10), note: "" });
    await ledger.hold(holdRequest("a"));
    await ageHolds(name, HOLD_LIFETIME_MS);
    const alarm = await alarmOf(name);
    expect((alarm ?? 0) - Date.now()).toBeGreaterThan(HOLD_LIFETIME_MS - 10_000);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await ledger.balance()).toMatchObject({ available: 10n, held: 0n });
  });

  test("finds a renewed hold alive when the alarm of its first expiry rings, and sets the next", async () => {
    const name = crypto.randomUUID();
    const ledger = ledgerOf(env, name);
    await ledger.grant({ grantId: "g", amount: micros(10), note: "" });
    await ledger.hold(holdRequest("a"));
    await ageHolds(name, HOLD_LIFETIME_MS);
    await ledger.renew("a");
    expect(await runDurableObjectAlarm(env.LEDGER.getByName(name))).toBe(true);
    expect(await ledger.balance()).toMatchObject({ available: 0n, held: 10n });
    expect(((await alarmOf(name)) ?? 0) - Date.now()).toBeGreaterThan(HOLD_LIFETIME_MS - 10_000);
  });

  test("sends what was charged to the queue and forgets it only then", async () => {
    const name = crypto.randomUUID();
    const ledger = ledgerOf(env, name);
    const stub = env.LEDGER.getByName(name);
    await ledger.grant({ grantId: "g", amount: micros(10), note: "" });
    await ledger.hold(holdRequest(`ans_${name}`));
    await ledger.capture({ holdId: `ans_${name}`, charge: micros(10), steps: 4, reply: null });
    const waiting = () =>
      runInDurableObject(stub, (_, state) =>
        state.storage.sql.exec("SELECT id FROM outbox").toArray(),
      );
    expect(await waiting()).toEqual([{ id: `ans_${name}` }]);
    await runDurableObjectAlarm(stub);
    expect(await waiting()).toEqual([]);
  });
});
