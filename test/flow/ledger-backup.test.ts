import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { rebook, UNBOOKED } from "#domain/rebook.ts";
import type { LedgerExport, LedgerOrigin } from "#edge/ledger/backup/ledger-backup.ts";
import { type LedgerRepository, openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const AT = Date.UTC(2026, 10, 28);
const ORIGIN: LedgerOrigin = { book: "b", timeline: 1, forks: [{ timeline: 0, to: 0 }], cut: "c" };

/** Something that happens to a ledger; which hold it is about is told by a number. */
type Deed =
  | { readonly kind: "grant" | "pay" | "takeBack"; readonly amount: number }
  | { readonly kind: "hold" | "capture" | "release" | "refund"; readonly which: number };

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("grant" as const, "pay" as const, "takeBack" as const),
    amount: fc.integer({ min: 1, max: 100 }),
  }),
  fc.record({
    kind: fc.constantFrom("hold", "capture", "release", "refund") as fc.Arbitrary<"hold">,
    which: fc.integer({ min: 0, max: 5 }),
  }),
);

function happen(ledger: LedgerRepository, deed: Deed, index: number): void {
  switch (deed.kind) {
    case "grant":
      ledger.grant({ grantId: `g${index}`, amount: micros(deed.amount), note: "granted" });
      break;
    case "pay": {
      const word = { kind: "paid", amount: micros(deed.amount) } as const;
      ledger.hearPayment({ paymentId: "s:1", word, eventId: `s:${index}` });
      break;
    }
    case "takeBack": {
      const word = { kind: "refunded", total: micros(deed.amount) } as const;
      ledger.hearPayment({ paymentId: "s:1", word, eventId: `s:${index}` });
      break;
    }
    case "hold":
      ledger.hold(holdRequest(`ans_${deed.which}`));
      break;
    case "capture":
      ledger.capture({
        ...{ holdId: `ans_${deed.which}`, charge: micros(7), steps: 3, reply: null },
      });
      break;
    case "release":
      ledger.release(`ans_${deed.which}`);
      break;
    case "refund": {
      const holdId = `ans_${deed.which}`;
      const given = { refundId: `r${index}`, accountId: "acc_1", holdId, note: "refunded" };
      ledger.refund({ ...given, amount: micros(2) });
      break;
    }
    default:
      deed satisfies never;
  }
}

/** Reads a whole ledger, a few lines at a time. */
function exported(ledger: LedgerRepository, size: number): readonly LedgerExport[] {
  const parts: LedgerExport[] = [];
  for (let after = 0; ; after = parts.at(-1)?.lines.at(-1)?.seq ?? after) {
    const part = ledger.exportLines(after, size, "b");
    parts.push(part);
    if (part.rest !== null) return parts;
  }
}

function restored(parts: readonly LedgerExport[], now = AT): LedgerRepository {
  const ledger = openLedgerRepository(nodeStore(), () => now);
  for (const { lines, replies } of parts)
    expect(ledger.restoreLines(ORIGIN, lines, { replies, refunds: [] }).ok).toBe(true);
  const rest = parts.at(-1)?.rest;
  if (rest == null) throw new Error("the export has no end");
  expect(ledger.restoreRest(ORIGIN, rest)).toMatchObject({ value: { isWhole: true } });
  return ledger;
}

describe("a ledger that is exported", () => {
  test("comes to the same when its lines are booked again, whatever happened to it", () => {
    fc.assert(
      fc.property(
        fc.array(deeds, { maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        (all, size) => {
          const ledger = openLedgerRepository(nodeStore(), () => AT);
          for (const [index, deed] of all.entries()) happen(ledger, deed, index);
          const lines = exported(ledger, size).flatMap((part) => part.lines);
          const booked = rebook(
            UNBOOKED,
            lines.map(({ amount, available, ...line }) => ({
              ...{ ...line, amount: micros(amount), available: micros(available) },
            })),
          );
          if (!booked.ok) throw new Error(booked.refusal.fault);
          expect(booked.value.balances).toEqual(ledger.balance());
        },
      ),
      { numRuns: 30, seed: 20261128 },
    );
  });

  test("and restored has what was available and what was open, owes what it owed, and holds nothing", () => {
    fc.assert(
      fc.property(
        fc.array(deeds, { maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        (all, size) => {
          const ledger = openLedgerRepository(nodeStore(), () => AT);
          for (const [index, deed] of all.entries()) happen(ledger, deed, index);
          const again = restored(exported(ledger, size));
          // What both come to once the answers under way are given up.
          for (let which = 0; which <= 5; which += 1) ledger.release(`ans_${which}`);
          expect(again.standing()).toEqual(ledger.standing());
          expect(again.balance().held).toBe(0n);
        },
      ),
      { numRuns: 30, seed: 20261128 },
    );
  });

  test("tells what waits to be told under the id that it had, and no second time that credit is low", () => {
    const ledger = openLedgerRepository(nodeStore(), () => AT);
    ledger.setLowCreditAlert({ accountId: "acc_1", threshold: micros(95) });
    ledger.grant({ grantId: "g", amount: micros(100), note: "granted" });
    ledger.hold(holdRequest("ans_1"));
    ledger.capture({ holdId: "ans_1", charge: micros(10), steps: 3, reply: null });
    const again = restored(exported(ledger, 10));
    const ids = (of: LedgerRepository): readonly string[] => [
      ...of.dueAlerts().map(({ id }) => id),
      ...of.due(10).map(({ id }) => id),
    ];
    expect(ids(again)).toEqual(ids(ledger));
    again.hold(holdRequest("ans_2"));
    expect(again.dueAlerts()).toHaveLength(1);
  });

  test("keeps for a request that comes again what it cost, and what its usage was", () => {
    const ledger = openLedgerRepository(nodeStore(), () => AT);
    ledger.grant({ grantId: "g", amount: micros(100), note: "granted" });
    const idempotency = { scope: "key_1 /v1/answers x", fingerprint: "f" };
    ledger.hold(holdRequest("ans_1", { idempotency }));
    ledger.capture({ holdId: "ans_1", charge: micros(10), steps: 3, answers: 2, reply: "{}" });
    const [part] = exported(ledger, 10);
    expect(part?.charges).toEqual([
      {
        ...{ id: "ans_1", account: "acc_1", key: "key_1", model: "demo", micros: 10 },
        ...{ steps: 3, answers: 2, at: AT },
      },
    ]);
    expect(part?.replies).toMatchObject([{ holdId: "ans_1", ...idempotency }]);
    expect(JSON.stringify(part?.lines)).not.toContain("/v1/answers");
  });
});

describe("a restored ledger refuses", () => {
  test("lines that are missing, changed or another ledger's, and does nothing until it is whole", () => {
    const ledger = openLedgerRepository(nodeStore(), () => AT);
    ledger.grant({ grantId: "g", amount: micros(100), note: "granted" });
    ledger.hold(holdRequest("ans_1"));
    const [part] = exported(ledger, 10);
    const [grant, hold] = part?.lines ?? [];
    if (grant === undefined || hold === undefined || part?.rest == null)
      throw new Error("no lines");
    const beside = { replies: [], refunds: [] };
    const again = openLedgerRepository(nodeStore(), () => AT);
    const changed = { ...grant, amount: 1_000 };
    expect(again.restoreLines(ORIGIN, [changed], beside)).toMatchObject({
      refusal: "not_bookable",
    });
    expect(again.restoreLines(ORIGIN, [hold], beside)).toMatchObject({ refusal: "not_bookable" });
    again.restoreLines(ORIGIN, [grant], beside);
    expect(again.restoreRest(ORIGIN, part.rest)).toMatchObject({ refusal: "lines_missing" });
    const other = { ...ORIGIN, cut: "another" };
    expect(again.restoreLines(other, [hold], beside)).toMatchObject({ refusal: "not_empty" });
    expect(() => again.hold(holdRequest("ans_2"))).toThrow("being restored");
    expect(ledger.restoreLines(ORIGIN, [grant], beside)).toMatchObject({ refusal: "not_empty" });
  });
});
