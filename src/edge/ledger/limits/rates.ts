import type { Failure } from "#domain/failure.ts";
import {
  type Allowance,
  type KeyLimits,
  RATE_WINDOW_SECONDS,
  type RateLimits,
  type RatePolicy,
  type RateWindow,
  type SubjectLimits,
  spendRate,
} from "#domain/limits.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { SqlStore } from "../../storage/sql-store.ts";

/** Counts a request and its steps against the rates of its key and its account, or refuses with the first that is used up. */
export function takeRates(
  store: SqlStore,
  { keyId, steps, keyLimits, accountLimits, subject }: RatedRequest,
  now: number,
): Result<readonly Allowance[], RefusedRequest> {
  const key = `key ${keyId}`;
  const demands: readonly Demand[] = [
    [key, { name: "rpm", quota: keyLimits.requestsPerMinute }, 1],
    [key, { name: "steps", quota: keyLimits.stepsPerMinute }, steps],
    ["account", { name: "account-rpm", quota: accountLimits.requestsPerMinute }, 1],
    ["account", { name: "account-steps", quota: accountLimits.stepsPerMinute }, steps],
    ...subjectDemands(subject, steps),
  ];
  const allowances: Allowance[] = [];
  for (const [owner, policy, amount] of demands) {
    const name = `${owner} ${policy.name}`;
    const spent = spendRate(readWindow(store, name), policy, amount, now);
    if (!spent.ok) {
      const { name: policyName, quota, resetSeconds } = spent.refusal;
      const failure: Failure = {
        kind: "rate_limited",
        policy: policyName,
        limit: quota,
        resetSeconds,
      };
      return refuse({ failure, allowances: [...allowances, spent.refusal] });
    }
    const { window, allowance } = spent.value;
    allowances.push(allowance);
    store.all(
      "INSERT OR REPLACE INTO windows (name, started_at, used) VALUES (?, ?, ?)",
      ...[name, window.startedAt, window.used],
    );
  }
  return ok(allowances);
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

type Demand = readonly [owner: string, policy: RatePolicy, amount: number];

function subjectDemands(subject: Subject | null, steps: number): readonly Demand[] {
  if (subject === null) return [];
  const { owner, requestsPerMinute: requests, stepsPerMinute } = subject;
  const demands: Demand[] = [];
  if (requests !== null)
    demands.push([`subject ${owner}`, { name: "subject-rpm", quota: requests }, 1]);
  if (stepsPerMinute !== null)
    demands.push([`subject ${owner}`, { name: "subject-steps", quota: stepsPerMinute }, steps]);
  return demands;
}

/** Forgets windows that have ended. */
export function forgetWindows(store: SqlStore, now: number): void {
  store.all("DELETE FROM windows WHERE started_at <= ?", now - RATE_WINDOW_SECONDS * 1000);
}

function readWindow(store: SqlStore, name: string): RateWindow | undefined {
  const [row] = store.all<{ started_at: number; used: number }>(
    "SELECT started_at, used FROM windows WHERE name = ?",
    name,
  );
  return row === undefined ? undefined : { startedAt: row.started_at, used: row.used };
}
