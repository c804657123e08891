import { describe, expect, test } from "vitest";
import { sumOf } from "#domain/ledger.ts";
import { type Micros, micros } from "#domain/micros.ts";
import type { Ledger, Refund } from "#edge/ledger/ledger-service.ts";
import { HOLD_LIFETIME_MS, MAX_HOLD_LIFETIME_MS } from "#edge/ledger/storage/hold-rows.ts";
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

    test("a capture that is repeated lists nothing: the first may have been of a version that did not", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      const capture = { holdId: "h", charge: micros(10), steps: 4, reply: null };
      await ledger.capture(capture);
      const listed = { status: "completed" as const, created_at: 1, ended_at: 2 };
      const again = await ledger.capture({ ...capture, listed });
      expect([again.charged, again.isListed]).toEqual([10n, false]);
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

    test("a grant is above nothing and small enough to be counted with all that was given before", async () => {
      const { ledger } = open();
      const grant = (grantId: string, amount: number) =>
        ledger.grant({ grantId, amount: micros(amount), note: "" });
      expect(await grant("most", Number.MAX_SAFE_INTEGER - 1)).toEqual({
        ...{ ok: true, value: { isRepeat: false } },
      });
      for (const [id, amount] of [
        ["nothing", 0],
        ["too much", 2],
      ] as const)
        expect(await grant(id, amount)).toMatchObject({
          refusal: { kind: "invalid_request", problems: [{ pointer: "/amount_micros" }] },
        });
      expect((await grant("the rest", 1)).ok).toBe(true);
      expect((await ledger.balance()).available).toBe(BigInt(Number.MAX_SAFE_INTEGER));
    });

    test("a refund of nothing, or of what was never asked, is refused and told why", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      await charge(ledger, "h", 7);
      for (const [holdId, amount] of [
        ["h", 0],
        ["h", 8],
        ["never asked", 1],
      ] as const)
        expect(await ledger.refund(refundOf(holdId, "r", amount))).toMatchObject({
          refusal: {
            kind: "invalid_request",
            problems: [
              {
                pointer: "/amount_micros",
                message: expect.stringMatching(/ [07] that the answer/),
              },
            ],
          },
        });
    });

    test("what is free is held and charged without an entry", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h", { amount: micros(0) }));
      expect(await charge(ledger, "h", 0)).toBe(0n);
      expect((await ledger.entries({ limit: 10 })).entries).toHaveLength(1);
    });

    test("a page has at least one entry, and where exactly so many are left it is the last", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("a"));
      const sizes = [];
      for (const limit of [0, 1, 2, 1_000_000]) {
        const { entries, nextBefore } = await ledger.entries({ limit });
        sizes.push([entries.length, nextBefore]);
      }
      expect(sizes).toEqual([
        [1, 2],
        [1, 2],
        [2, null],
        [2, null],
      ]);
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

    test("a hold whose word was lost is asked for again under its own id, and told that it stands", async () => {
      const ledger = await funded(100);
      for (const _ of [1, 2])
        expect(await ledger.hold(holdRequest("h", { idempotency: kept }))).toMatchObject({
          value: { kind: "held", hasPlace: true },
        });
      expect((await ledger.balance()).held).toBe(10n);
    });

    test("one that was charged without a reply to repeat runs anew", async () => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h1", { idempotency: kept }));
      await charge(ledger, "h1", 10);
      expect(await ledger.hold(holdRequest("h2", { idempotency: kept }))).toMatchObject({
        value: { kind: "held" },
      });
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

    test("the account's keys share its steps, and its answers at once", async () => {
      const ledger = await funded(100);
      const ask = (id: string, limits: Partial<typeof roomy>) =>
        ledger.hold(holdRequest(id, { keyId: id, accountLimits: { ...roomy, ...limits } }));
      expect(await ask("a", { stepsPerMinute: 7 })).toMatchObject({
        value: { allowances: [{}, {}, {}, { name: "account-steps", quota: 7, remaining: 3 }] },
      });
      expect(await ask("b", { stepsPerMinute: 7 })).toMatchObject({
        refusal: {
          failure: { kind: "rate_limited", policy: "account-steps" },
          allowances: [{}, {}, {}, { name: "account-steps", remaining: 3 }],
        },
      });
      expect(await ask("c", { concurrent: 1 })).toMatchObject({
        refusal: { failure: { kind: "too_many_concurrent", limit: 1 } },
      });
    });

    test("a key's rates are its own", async () => {
      const ledger = await funded(100);
      const keyLimits = { ...holdRequest("").keyLimits, requestsPerMinute: 1 };
      for (const keyId of ["key_1", "key_2"])
        expect((await ledger.hold(holdRequest(keyId, { keyId, keyLimits }))).ok).toBe(true);
    });

    test("what takes part in the work of another is none of the answers at once, and refused none", async () => {
      const ledger = await funded(100);
      const keyLimits = { ...holdRequest("").keyLimits, concurrent: 1 };
      const ask = (id: string, isShared: boolean) =>
        ledger.hold(holdRequest(id, { keyLimits, isShared }));
      expect([
        (await ask("a", false)).ok,
        (await ask("b", true)).ok,
        (await ask("c", false)).ok,
      ]).toEqual([true, true, false]);
      await ledger.release("a");
      expect((await ask("d", false)).ok).toBe(true);
    });

    test.each([
      ["subject-rpm", { requestsPerMinute: 1, stepsPerMinute: null }],
      ["subject-steps", { requestsPerMinute: null, stepsPerMinute: 7 }],
    ] as const)(
      "a subject has a rate of its own over all its tokens: %s",
      async (policy, rates) => {
        const ledger = await funded(100);
        const ask = (id: string, owner: string) =>
          ledger.hold(
            holdRequest(id, { subject: { ...noLimits, ...rates, owner }, keyId: `key of ${id}` }),
          );
        expect((await ask("a", "ada")).ok).toBe(true);
        expect(await ask("b", "ada")).toMatchObject({
          refusal: { failure: { kind: "rate_limited", policy } },
        });
        expect((await ask("c", "bob")).ok).toBe(true);
      },
    );

    test("a subject's day has a spend limit of its own, and no other subject's", async () => {
      const ledger = await funded(100);
      const ask = (id: string, owner: string, limit: number | null = 15) => {
        const spendPerDayMicros = limit === null ? null : micros(limit);
        return ledger.hold(holdRequest(id, { subject: { ...noLimits, owner, spendPerDayMicros } }));
      };
      expect((await ask("a", "ada")).ok).toBe(true);
      expect(await ask("b", "ada")).toMatchObject({
        refusal: { failure: { kind: "spend_limit_reached", period: "subject", spentMicros: 10 } },
      });
      expect([(await ask("c", "bob")).ok, (await ask("d", "ada", null)).ok]).toEqual([true, true]);
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

  describe(`${name}: a request whose price is not known yet`, () => {
    test("is let in and sets nothing aside; what it takes of the rates is not taken again", async () => {
      const ledger = await funded(100);
      const keyLimits = { ...holdRequest("").keyLimits, requestsPerMinute: 2 };
      const before = [await ledger.balance(), await ledger.entries({ limit: 10 })];
      expect(await ledger.letIn(holdRequest("", { keyLimits }))).toMatchObject({
        value: { kind: "new", allowances: [{ name: "rpm", remaining: 1 }, {}, {}, {}] },
      });
      expect([await ledger.balance(), await ledger.entries({ limit: 10 })]).toEqual(before);
      expect(await ledger.hold(holdRequest("a", { keyLimits, isRated: true }))).toMatchObject({
        value: { kind: "held", allowances: [] },
      });
      expect([
        (await ledger.letIn(holdRequest("", { keyLimits }))).ok,
        (await ledger.letIn(holdRequest("", { keyLimits }))).ok,
      ]).toEqual([true, false]);
    });

    test.each([
      ["too_many_concurrent", { keyLimits: { ...holdRequest("").keyLimits, concurrent: 1 } }],
      ["insufficient_credit", { amount: micros(91) }],
      [
        "spend_limit_reached",
        { keyLimits: { ...holdRequest("").keyLimits, spendPerDayMicros: micros(19) } },
      ],
      [
        "spend_limit_reached",
        { keyLimits: { ...holdRequest("").keyLimits, spendPerMonthMicros: micros(19) } },
      ],
      [
        "spend_limit_reached",
        { spendCap: { tokenId: "t", amount: micros(9), expiresAt: Number.MAX_SAFE_INTEGER } },
      ],
    ] as const)("is refused as a hold would be, and then uses no rate: %s", async (kind, what) => {
      const ledger = await funded(100);
      await ledger.hold(holdRequest("h"));
      const request = holdRequest("", what);
      for (const _ of [1, 2])
        expect(await ledger.letIn(request)).toMatchObject({
          refusal: { failure: { kind }, allowances: [{ remaining: 999_998 }, {}, {}, {}] },
        });
    });

    test("is told what its Idempotency-Key was told before", async () => {
      const ledger = await funded(100);
      const ask = (fingerprint = "a") =>
        ledger.letIn(holdRequest("", { idempotency: { ...kept, fingerprint } }));
      expect(await ask()).toMatchObject({ value: { kind: "new" } });
      await ledger.hold(holdRequest("h", { idempotency: kept }));
      expect(await ask()).toMatchObject({
        refusal: { failure: { kind: "idempotency_in_progress" } },
      });
      await ledger.capture({ holdId: "h", charge: micros(10), steps: 4, reply: "{}" });
      expect(await ask()).toEqual({ ok: true, value: { kind: "replay", reply: "{}" } });
      expect(await ask("b")).toMatchObject({
        refusal: { failure: { kind: "idempotency_mismatch" } },
      });
    });

    test("finds the room and the credit of holds that have expired", async () => {
      const { ledger, age } = open();
      await ledger.grant({ grantId: "g", amount: micros(10), note: "" });
      await ledger.hold(holdRequest("h"));
      expect((await ledger.letIn(holdRequest(""))).ok).toBe(false);
      await age(HOLD_LIFETIME_MS);
      expect((await ledger.letIn(holdRequest(""))).ok).toBe(true);
    });
  });
}

/** A subject's limits where its token names none. */
const noLimits = { requestsPerMinute: null, stepsPerMinute: null, spendPerDayMicros: null };

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
