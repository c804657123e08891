import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Balances, closing, type EntryKind, post, sumOf } from "#domain/ledger.ts";
import { MAX_MICROS, micros, ZERO } from "#domain/micros.ts";

const amount = fc.bigInt({ min: 0n, max: 1000n }).map(micros);
const kind = fc.constantFrom<EntryKind>("grant", "hold", "capture", "release", "refund");

const nothing: Balances = { issuer: ZERO, available: ZERO, held: ZERO, revenue: ZERO };

describe("the books of an account", () => {
  test("sum to zero and owe nobody after any entries that the rules take", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ kind, amount }), { maxLength: 60 }), (postings) => {
        let balances = nothing;
        for (const posting of postings) {
          try {
            const posted = post(balances, posting);
            if (posted.ok) balances = posted.value;
          } catch (cause) {
            if (!(cause instanceof RangeError)) throw cause;
          }
          expect(sumOf(balances)).toBe(0n);
          const { available, held, revenue } = balances;
          expect([available, held, revenue].every((book) => book >= 0n)).toBe(true);
        }
      }),
    );
  });

  test("refuse a hold above what is available", () => {
    expect(post(nothing, { kind: "hold", amount: micros(1) })).toEqual({
      ok: false,
      refusal: { kind: "insufficient_credit", priceMicros: 1, availableMicros: 0 },
    });
  });

  test("treat what no caller can cause as a bug", () => {
    expect(() => post(nothing, { kind: "capture", amount: micros(1) })).toThrow(RangeError);
    expect(() => post(nothing, { kind: "grant", amount: micros(-1) })).toThrow(RangeError);
    expect(() => micros(MAX_MICROS + 1n)).toThrow(RangeError);
    expect(() => micros(0.5)).toThrow(RangeError);
  });

  test("close a hold whole: capture and release are what was held", () => {
    fc.assert(
      fc.property(amount, amount, (held, charge) => {
        const postings = closing(held, charge);
        expect(postings.reduce((sum, posting) => sum + posting.amount, 0n)).toBe(held);
        const captured = postings.find((posting) => posting.kind === "capture")?.amount ?? 0n;
        expect(captured <= charge && captured <= held).toBe(true);
      }),
    );
  });
});
