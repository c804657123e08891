import { describe, expect, test } from "vitest";
import { sumOf } from "#domain/ledger.ts";
import { type Micros, micros } from "#domain/micros.ts";
import { HOLD_LIFETIME_MS, MAX_HOLD_LIFETIME_MS } from "#edge/ledger/ledger-repository.ts";
import type { Ledger, Refund } from "#edge/ledger/ledger-service.ts";
import { holdRequest, roomy } from "../support/ledger-builders.ts";

/** A ledger whose holds can be made older. */
export interface AgeingLedger {
  readonly ledger: Ledger;
  /** Lets so many milliseconds pass for every hold. */
  readonly age: (milliseconds: number) => Promise<void>;
}

/** What every ledger keeps, wherever its tables lie. `open` gives an empty one. */
export function ledgerContract(name: string, open: () => AgeingLedger): void {
  async function funded(amount: number): Promise<Ledger> {
    const { ledger } = open();
    await ledger.grant({ grantId: "g", amount: micros(amount), note: "" });
    return ledger;
  }

  const kept = { scope: "key_1 /v1/answers k", fingerprint: "a" };

  describe(`${name}: money`, () => {
    test("a hold above the balance is refused and changes nothing", async () => {
      const ledger = await funded(9);
      const before = [await ledger.balance(), await ledger.entries({ limit: 10 })];
      expect(await ledger.hold(holdRequest("h"))).toMatchObject({
        refusal: {
          failure: { kind: "insufficient_credit", priceMicros: 10, availableMicros: 9 },
        },
      });
      expect([await ledger.balance(), await ledger.entries({ limit: 10 })]).toEqual(before);
    });

    test("what is held is captured in part and the rest released; entries tell it and sum to zero", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      expect(await charge(ledger, "h", 7)).toBe(7n);
      const balance = await ledger.balance();
      expect(balance).toEqual({ issuer: -100n, available: 93n, held: 0n, revenue: 7n });
      expect(sumOf(balance)).toBe(0n);
      const { entries, nextBefore } = await ledger.entries({ limit: 10 });
      expect(entries.map(({ kind, amount, available }) => [kind, amount, available])).toEqual([
        ["release", 3n, 93n],
        ["capture", 7n, 90n],
        ["hold", 10n, 90n],
        ["grant", 100n, 100n],
      ]);
      expect(nextBefore).toBeNull();
    });

    test("no more is captured than was held", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      expect(await charge(ledger, "h", 99)).toBe(10n);
      expect((await ledger.balance()).available).toBe(90n);
    });

    test("every call may be repeated: the second changes nothing", async () => {
      const ledger = await funded(100);
      const again = await ledger.grant({ grantId: "g", amount: micros(100), note: "" });
      expect(again).toEqual({ ok: true, value: { isRepeat: true } });
      for (const _ of [1, 2]) await ledger.hold(holdRequest("h"));
      for (const _ of [1, 2]) expect(await charge(ledger, "h", 10)).toBe(10n);
      await ledger.release("h");
      for (const isRepeat of [false, true])
        expect(await ledger.refund(refundOf("h", "r", 4))).toEqual({
          ...{ ok: true, value: { isRepeat } },
        });
      expect(await ledger.balance()).toEqual({
        issuer: -100n,
        available: 94n,
        held: 0n,
        revenue: 6n,
      });
    });

    test("what was released cannot be captured, nor refunded what was not charged", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      await ledger.release("h");
      expect(await charge(ledger, "h", 10)).toBe(0n);
      expect(await ledger.refund(refundOf("h", "r", 1))).toMatchObject({ ok: false });
      expect((await ledger.balance()).available).toBe(100n);
    });

    test("refunds of an answer give back what it was charged together, and no more", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      await charge(ledger, "h", 7);
      const refund = (refundId: string, amount: number) =>
        ledger.refund(refundOf("h", refundId, amount));
      const given = [await refund("a", 4), await refund("b", 4), await refund("c", 3)];
      expect(given.map(({ ok }) => ok)).toEqual([true, false, true]);
      expect(await refund("d", 1)).toMatchObject({ refusal: { kind: "invalid_request" } });
      expect(await ledger.balance()).toMatchObject({ available: 100n, revenue: 0n });
    });

    test("the id of a grant or refund stands for that one alone", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      await charge(ledger, "h", 7);
      const refund = refundOf("h", "r", 2);
      await ledger.refund(refund);
      const balance = await ledger.balance();
      for (const reused of [
        await ledger.refund({ ...refund, amount: micros(3) }),
        await ledger.refund({ ...refund, holdId: "other" }),
        await ledger.refund({ ...refund, refundId: "g" }),
        await ledger.grant({ grantId: "r", amount: micros(2), note: "" }),
        await ledger.grant({ grantId: "g", amount: micros(99), note: "" }),
      ])
        expect(reused).toMatchObject({ refusal: { kind: "already_exists" } });
      expect(await ledger.balance()).toEqual(balance);
    });

    test("pages of entries join without a gap", async () => {
      const ledger = await funded(100);
      for (const id of ["a", "b", "c"]) await ledger.hold(holdRequest(id));
      const first = await ledger.entries({ limit: 3 });
      const second = await ledger.entries({ limit: 3, before: first.nextBefore ?? 0 });
      expect([...first.entries, ...second.entries].map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
      expect(second.nextBefore).toBeNull();
    });
  });

  describe(`${name}: repeated requests`, () => {
    test("the same is told to wait, then gets the first reply; another body is refused", async () => {
      const ledger = await funded(100);
      const ask = (id: string, fingerprint = "a") =>
        ledger.hold(holdRequest(id, { idempotency: { ...kept, fingerprint } }));
      expect(await ask("h1")).toMatchObject({ value: { kind: "held" } });
      expect(await ask("h2")).toMatchObject({
        refusal: { failure: { kind: "idempotency_in_progress" } },
      });
      expect(await ask("h2", "b")).toMatchObject({
        refusal: { failure: { kind: "idempotency_mismatch" } },
      });
      await ledger.capture({ holdId: "h1", charge: micros(10), steps: 4, reply: "{}" });
      expect(await ask("h3")).toEqual({ ok: true, value: { kind: "replay", reply: "{}" } });
      expect(await ledger.balance()).toMatchObject({ available: 90n, held: 0n, revenue: 10n });
    });

    test("one that failed runs anew", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h1", { idempotency: kept }));
      await ledger.release("h1");
      expect(await ledger.hold(holdRequest("h2", { idempotency: kept }))).toMatchObject({
        value: { kind: "held" },
      });
    });

    test("a refused one leaves no record", async () => {
      const { ledger } = open();
      await ledger.hold(holdRequest("h1", { idempotency: kept }));
      await ledger.grant({ grantId: "g", amount: micros(10), note: "" });
      expect(
        await ledger.hold(
          holdRequest("h2", { idempotency: { ...kept, fingerprint: "other body" } }),
        ),
      ).toMatchObject({ ok: true });
    });
  });

  describe(`${name}: the life of a hold`, () => {
    /** Any later hold releases the expired ones. */
    async function held(): Promise<AgeingLedger & { readonly lookAround: () => Promise<void> }> {
      const opened = open();
      await opened.ledger.grant({ grantId: "g", amount: micros(1000), note: "" });
      await opened.ledger.hold(holdRequest("h", { idempotency: kept }));
      const lookAround = async () => {
        await opened.ledger.hold(holdRequest(crypto.randomUUID()));
      };
      return { ...opened, lookAround };
    }

    test("a renewed hold outlives its lifetime many times over and is charged in full; a retry waits", async () => {
      const { ledger, age, lookAround } = await held();
      for (const _ of [1, 2, 3, 4, 5, 6]) {
        await age(HOLD_LIFETIME_MS - 60_000);
        await lookAround();
        await ledger.renew("h");
      }
      expect(await ledger.hold(holdRequest("retry", { idempotency: kept }))).toMatchObject({
        refusal: { failure: { kind: "idempotency_in_progress" } },
      });
      expect(await charge(ledger, "h", 10)).toBe(10n);
    });

    test("one that is renewed no more expires after its lifetime, and a retry runs anew", async () => {
      const { ledger, age } = await held();
      await age(60_000);
      await ledger.renew("h");
      await age(HOLD_LIFETIME_MS);
      expect(await ledger.hold(holdRequest("retry", { idempotency: kept }))).toMatchObject({
        value: { kind: "held" },
      });
      expect(await charge(ledger, "h", 10)).toBe(0n);
    });

    test("no renewal carries one beyond the longest life of a hold", async () => {
      const { ledger, age, lookAround } = await held();
      await age(MAX_HOLD_LIFETIME_MS - 60_000);
      await ledger.renew("h");
      await age(60_000);
      await lookAround();
      expect(await charge(ledger, "h", 10)).toBe(0n);
    });

    test("a renewal changes no money and opens nothing that is closed", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      await ledger.release("h");
      const before = [await ledger.balance(), await ledger.entries({ limit: 10 })];
      for (const id of ["h", "unknown"]) await ledger.renew(id);
      expect(await charge(ledger, "h", 10)).toBe(0n);
      expect([await ledger.balance(), await ledger.entries({ limit: 10 })]).toEqual(before);
    });
  });

  describe(`${name}: limits`, () => {
    test("requests and steps of a minute are counted, and a refused request uses none", async () => {
      const ledger = await funded(100);
      const keyLimits = { ...holdRequest("").keyLimits, requestsPerMinute: 3, stepsPerMinute: 10 };
      const ask = (id: string, steps: number) => ledger.hold(holdRequest(id, { steps, keyLimits }));
      expect(await ask("a", 4)).toMatchObject({
        value: {
          allowances: [{ name: "rpm", remaining: 2 }, { name: "steps", remaining: 6 }, {}, {}],
        },
      });
      expect(await ask("b", 7)).toMatchObject({
        refusal: { failure: { kind: "rate_limited", policy: "steps", limit: 10 } },
      });
      expect(await ask("c", 6)).toMatchObject({
        value: { allowances: [{ remaining: 1 }, {}, {}, {}] },
      });
    });

    test("the account's keys share its rates", async () => {
      const ledger = await funded(100);
      const accountLimits = { ...roomy, requestsPerMinute: 1 };
      await ledger.hold(holdRequest("a", { accountLimits }));
      expect(await ledger.hold(holdRequest("b", { keyId: "key_2", accountLimits }))).toMatchObject({
        refusal: { failure: { kind: "rate_limited", policy: "account-rpm" } },
      });
    });

    test("answers at once are bounded until one ends", async () => {
      const ledger = await funded(100);
      const keyLimits = { ...holdRequest("").keyLimits, concurrent: 1 };
      await ledger.hold(holdRequest("a", { keyLimits }));
      expect(await ledger.hold(holdRequest("b", { keyLimits }))).toMatchObject({
        refusal: { failure: { kind: "too_many_concurrent", limit: 1 } },
      });
      await ledger.release("a");
      expect(await ledger.hold(holdRequest("c", { keyLimits }))).toMatchObject({ ok: true });
    });

    test.each(["day", "month", "token"] as const)(
      "a spend limit of a %s counts what is held and forgets what is released",
      async (period) => {
        const ledger = await funded(1000);
        const limit = micros(25);
        const keyLimits = {
          ...holdRequest("").keyLimits,
          spendPerDayMicros: period === "day" ? limit : null,
          spendPerMonthMicros: period === "month" ? limit : null,
        };
        const spendCap =
          period === "token" ? { tokenId: "t", amount: limit, expiresAt: Date.now() } : null;
        const ask = (id: string) => ledger.hold(holdRequest(id, { keyLimits, spendCap }));
        expect([(await ask("a")).ok, (await ask("b")).ok]).toEqual([true, true]);
        expect(await ask("c")).toMatchObject({
          refusal: { failure: { kind: "spend_limit_reached", period, spentMicros: 20 } },
        });
        await charge(ledger, "a", 5);
        expect([(await ask("d")).ok, (await ask("e")).ok]).toEqual([true, false]);
        await ledger.refund(refundOf("a", "r", 5));
        expect([(await ask("f")).ok, (await ask("g")).ok]).toEqual([false, false]);
        await ledger.release("b");
        expect([(await ask("h")).ok, (await ask("i")).ok]).toEqual([true, false]);
      },
    );

    test("a price above the caller's maximum is refused", async () => {
      const ledger = await funded(100);
      expect(await ledger.hold(holdRequest("a", { maximum: micros(9) }))).toMatchObject({
        refusal: { failure: { kind: "price_above_maximum", priceMicros: 10, maximumMicros: 9 } },
      });
      expect(await ledger.hold(holdRequest("b", { maximum: micros(10) }))).toMatchObject({
        ok: true,
      });
    });
  });
}

function refundOf(holdId: string, refundId: string, amount: number): Refund {
  return { refundId, accountId: "acc_1", holdId, amount: micros(amount), note: "" };
}

async function charge(ledger: Ledger, holdId: string, amount: number): Promise<Micros> {
  const { charged } = await ledger.capture({
    holdId,
    charge: micros(amount),
    steps: 4,
    reply: null,
  });
  return charged;
}
