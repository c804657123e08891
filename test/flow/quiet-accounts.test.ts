import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QUIET_ENDS_WITHIN_MS, QUIET_MS, QuietAccounts } from "#edge/webhooks/quiet.ts";

describe("an account without endpoints", () => {
  test("is not asked for half a second, counted from before its teller was asked", () => {
    let now = 0;
    const accounts = new QuietAccounts(() => now);
    const askedAt = accounts.asking();
    now += 300;
    accounts.heard("a", askedAt, true);
    expect([accounts.has("a"), accounts.has("b")]).toEqual([true, false]);
    now = askedAt + QUIET_MS;
    expect(accounts.has("a")).toBe(false);
  });

  test("is asked again at once when its teller says that it has one", () => {
    const accounts = new QuietAccounts(() => 0);
    accounts.heard("a", 0, true);
    accounts.heard("a", 0, false);
    expect(accounts.has("a")).toBe(false);
  });

  test("whenever answers end, and whenever its first endpoint is made: what ends after that is confirmed is told to it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(400), fc.nat(300)), { minLength: 1, maxLength: 30 }),
        fc.nat(6_000),
        (ends, madeAt) => {
          let now = 0;
          const accounts = new QuietAccounts(() => now);
          for (const [pauseMs, callMs] of ends) {
            now += pauseMs;
            const endedAt = now;
            const isAsked = !accounts.has("a");
            if (isAsked) {
              const askedAt = accounts.asking();
              // The teller looks somewhere within the call.
              const lookedAt = now + callMs / 2;
              now += callMs;
              accounts.heard("a", askedAt, lookedAt < madeAt);
            }
            if (endedAt >= madeAt + QUIET_ENDS_WITHIN_MS) expect(isAsked).toBe(true);
          }
        },
      ),
    );
  });
});
