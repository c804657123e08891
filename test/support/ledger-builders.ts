import { micros } from "#domain/micros.ts";
import type { HoldRequest } from "#edge/ledger/ledger-service.ts";

/** A hold of 10 micro-dollars and 4 steps by a key that has hardly a limit. */
export function holdRequest(holdId: string, overrides: Partial<HoldRequest> = {}): HoldRequest {
  return {
    holdId,
    accountId: "acc_1",
    keyId: "key_1",
    model: "demo",
    amount: micros(10),
    maximum: null,
    steps: 4,
    keyLimits: { ...roomy, spendPerDayMicros: null, spendPerMonthMicros: null },
    accountLimits: roomy,
    spendCap: null,
    subject: null,
    share: 1_000_000,
    isShared: false,
    isRated: false,
    idempotency: null,
    ...overrides,
  };
}

/** Rates that no test reaches by accident. */
export const roomy = {
  requestsPerMinute: 1_000_000,
  stepsPerMinute: 1_000_000_000,
  concurrent: 1_000_000,
};
