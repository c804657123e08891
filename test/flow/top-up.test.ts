import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sumOf } from "#domain/ledger.ts";
import { micros } from "#domain/micros.ts";
import type { PaymentWord } from "#domain/top-up.ts";
import type { LedgerRepository } from "#edge/ledger/ledger-repository.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { ledgerTwin } from "../support/ledger-twin.ts";

const paid: PaymentWord = { kind: "paid", amount: micros(100) };
const disputed: PaymentWord = {
  ...{ kind: "dispute", id: "d", amount: micros(100), outcome: "open" },
};
const won: PaymentWord = { ...disputed, outcome: "won" };

function hear(repository: LedgerRepository, eventId: string, word: PaymentWord, paymentId = "p") {
  return repository.hearPayment({ paymentId, word, eventId: `t:${eventId}` });
}

function spend(repository: LedgerRepository, holdId: string, amount: number): boolean {
  return repository.hold(holdRequest(holdId, { amount: micros(amount) })).ok;
}

describe("a payment", () => {
  test("becomes a grant, once, under its event's id", () => {
    const { repository } = ledgerTwin(() => 0);
    for (const _ of [1, 2]) hear(repository, "1", paid);
    expect(repository.standing()).toMatchObject({ balances: { available: 100n }, owed: 0n });
    expect(repository.entries({ limit: 9 }).entries).toMatchObject([
      { kind: "grant", amount: 100n, reference: "t:1" },
    ]);
  });

  test("that is taken back after it was spent is owed: nothing can be spent, and credit that comes pays it first", () => {
    const { repository } = ledgerTwin(() => 0);
    hear(repository, "1", paid);
    spend(repository, "h", 70);
    hear(repository, "2", disputed);
    expect(repository.standing()).toMatchObject({
      ...{ balances: { available: 0n, held: 70n }, owed: 70n },
    });
    expect(spend(repository, "i", 1)).toBe(false);
    repository.capture({ holdId: "h", charge: micros(50), steps: 1, reply: null });
    expect(repository.standing()).toMatchObject({ balances: { available: 0n }, owed: 50n });
    repository.grant({ grantId: "g", amount: micros(60), note: "" });
    expect(repository.standing()).toMatchObject({ balances: { available: 10n }, owed: 0n });
    hear(repository, "3", won);
    expect(repository.standing()).toMatchObject({ balances: { available: 110n, revenue: 50n } });
    expect(
      repository.entries({ limit: 9, kind: "withdraw" }).entries.map(({ amount }) => amount),
    ).toEqual([50n, 20n, 30n]);
  });

  test("that is won back while its price is owed pays that", () => {
    const { repository } = ledgerTwin(() => 0);
    hear(repository, "1", paid);
    spend(repository, "h", 100);
    hear(repository, "2", disputed);
    hear(repository, "3", won);
    expect(repository.standing()).toMatchObject({
      ...{ balances: { available: 0n, held: 100n }, owed: 0n },
    });
  });

  test("beyond what can be counted is refused, and changes nothing", () => {
    const { repository } = ledgerTwin(() => 0);
    hear(repository, "1", { kind: "paid", amount: micros(Number.MAX_SAFE_INTEGER) });
    expect(hear(repository, "2", paid, "q").ok).toBe(false);
    expect(repository.standing().balances.available).toBe(BigInt(Number.MAX_SAFE_INTEGER));
  });
});

test("whatever is heard of payments, in whatever order, how often, between grants and answers: the books sum to zero, nobody goes below nothing, and the balance is the same in the end", () => {
  const word = fc.oneof(
    fc.constantFrom(paid, disputed, won),
    fc.record({
      ...{ kind: fc.constant("refund" as const), id: fc.constantFrom("r", "s") },
      ...{ amount: fc.constantFrom(micros(30), micros(60)), isFailed: fc.boolean() },
    }),
  );
  const event = fc.record({ word, paymentId: fc.constantFrom("p", "q") });
  const orders = fc.array(event, { minLength: 1, maxLength: 8 }).chain((events) =>
    fc.tuple(
      fc.constant(events.map((one, index) => ({ ...one, id: String(index) }))),
      fc.shuffledSubarray([...events.keys(), ...events.keys()], {
        minLength: 2 * events.length,
      }),
      fc.array(fc.nat({ max: 80 }), { maxLength: 4 }),
    ),
  );
  fc.assert(
    fc.property(orders, ([events, order, spendings]) => {
      const net = (sequence: readonly (typeof events)[number][]): bigint => {
        const { repository } = ledgerTwin(() => 0);
        repository.grant({ grantId: "g", amount: micros(40), note: "" });
        let spent = 0n;
        for (const [index, { id, word: said, paymentId }] of sequence.entries()) {
          hear(repository, id, said, paymentId);
          const amount = spendings[index];
          if (amount !== undefined && amount > 0 && spend(repository, `h${index}`, amount)) {
            const charge = micros(Math.ceil(amount / 2));
            repository.capture({ holdId: `h${index}`, charge, steps: 1, reply: null });
            spent += charge;
          }
          const { balances, owed } = repository.standing();
          expect(sumOf(balances)).toBe(0n);
          expect(owed === 0n || balances.available === 0n).toBe(true);
        }
        const { balances, owed } = repository.standing();
        return balances.available - owed + spent;
      };
      const shuffled = order.flatMap((index) => events[index] ?? []);
      expect(net(shuffled)).toBe(net(events));
    }),
    { seed: 14, numRuns: 60 },
  );
});
