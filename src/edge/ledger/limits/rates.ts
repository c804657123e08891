import type { Failure } from "#domain/failure.ts";
import {
  type Allowance,
  type KeyLimits,
  RATE_WINDOW_SECONDS,
  type RateLimits,
  type RatePolicy,
  type SubjectLimits,
  spendRate,
} from "#domain/limits.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { SqlStore } from "../../storage/sql-store.ts";

/** Counts a request and its steps against the rates of its key and its account, or refuses with the first that is used up. */
export function takeRates(
  store: SqlStore,
  request: RatedRequest,
  now: number,
): Result<readonly Allowance[], RefusedRequest> {
  const allowances: Allowance[] = [];
  for (const { owner, ...policies } of ratedOwners(request)) {
    const known = readRates(store, owner);
    const used = { startedAt: now, requests: 0, steps: 0 };
    for (const unit of ["requests", "steps"] as const) {
      const amount = unit === "requests" ? 1 : request.steps;
      const window = known && { startedAt: known.started_at, used: known[unit] };
      const spent = spendRate(window, policies[unit] ?? unlimited, amount, now);
      if (!spent.ok) return refuseRate(spent.refusal, allowances);
      used.startedAt = spent.value.window.startedAt;
      used[unit] = spent.value.window.used;
      if (policies[unit] !== null) allowances.push(spent.value.allowance);
    }
    store.all(
      "INSERT OR REPLACE INTO rates (owner, started_at, requests, steps) VALUES (?, ?, ?, ?)",
      [owner, used.startedAt, used.requests, used.steps],
    );
  }
  return ok(allowances);
}

/** Requests and steps are counted in one row, and so in one window, also where only one of them has a limit. */
const unlimited: RatePolicy = { name: "subject-rpm", quota: Number.MAX_SAFE_INTEGER };

function refuseRate(
  spent: Allowance,
  allowances: readonly Allowance[],
): Result<never, RefusedRequest> {
  const { name: policy, quota: limit, resetSeconds } = spent;
  const failure: Failure = { kind: "rate_limited", policy, limit, resetSeconds };
  return refuse({ failure, allowances: [...allowances, spent] });
}

/** Someone within the account, and what may be asked for them. */
export interface Subject extends SubjectLimits {
  readonly owner: string;
}

/** What a request says of the key and subject that ask. */
export interface RatedRequest {
  readonly keyId: string;
  readonly steps: number;
  readonly keyLimits: KeyLimits;
  readonly accountLimits: RateLimits;
  readonly subject: Subject | null;
}

/** A request that is not let in. */
export interface RefusedRequest {
  readonly failure: Failure;
  /** What is left of each rate, as far as it was looked at. */
  readonly allowances: readonly Allowance[];
}

/** Whose requests and steps are counted together, each with its limit; null is none. */
interface RatedOwner {
  readonly owner: string;
  readonly requests: RatePolicy | null;
  readonly steps: RatePolicy | null;
}

function ratedOwners({
  keyId,
  keyLimits,
  accountLimits,
  subject,
}: RatedRequest): readonly RatedOwner[] {
  const key: RatedOwner = {
    owner: `key ${keyId}`,
    requests: { name: "rpm", quota: keyLimits.requestsPerMinute },
    steps: { name: "steps", quota: keyLimits.stepsPerMinute },
  };
  const account: RatedOwner = {
    owner: "account",
    requests: { name: "account-rpm", quota: accountLimits.requestsPerMinute },
    steps: { name: "account-steps", quota: accountLimits.stepsPerMinute },
  };
  if (subject === null) return [key, account];
  const { owner, requestsPerMinute: requests, stepsPerMinute: steps } = subject;
  if (requests === null && steps === null) return [key, account];
  const ofSubject: RatedOwner = {
    owner: `subject ${owner}`,
    requests: requests === null ? null : { name: "subject-rpm", quota: requests },
    steps: steps === null ? null : { name: "subject-steps", quota: steps },
  };
  return [key, account, ofSubject];
}

/** Forgets windows that have ended. */
export function forgetWindows(store: SqlStore, now: number): void {
  store.all("DELETE FROM rates WHERE started_at <= ?", [now - RATE_WINDOW_SECONDS * 1000]);
}

interface RateRow extends Record<string, string | number> {
  readonly started_at: number;
  readonly requests: number;
  readonly steps: number;
}

function readRates(store: SqlStore, owner: string): RateRow | undefined {
  return store.all<RateRow>("SELECT started_at, requests, steps FROM rates WHERE owner = ?", [
    owner,
  ])[0];
}
