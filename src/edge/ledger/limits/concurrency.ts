import type { Failure } from "#domain/failure.ts";
import type { KeyLimits, RateLimits } from "#domain/limits.ts";
import type { SqlStore } from "../../storage/sql-store.ts";

/** Whose answers are counted, and how many may be in the making at one time. */
export interface ConcurrentRequest {
  readonly keyId: string;
  readonly keyLimits: KeyLimits;
  readonly accountLimits: RateLimits;
  /** Whether it takes part in the work of another answer, and is not made itself: then it is not counted. */
  readonly isShared: boolean;
}

/** Refuses one answer more than a key or its account may have in the making; null where there is room. */
export function crowded(store: SqlStore, request: ConcurrentRequest): Failure | null {
  const { keyId, keyLimits, accountLimits, isShared } = request;
  if (isShared) return null;
  const [open] = store.all<{ ofKey: number; ofAccount: number }>(
    `SELECT count(*) AS ofAccount, coalesce(sum(key_id = ?), 0) AS ofKey
       FROM holds WHERE state = 'open' AND is_shared = 0`,
    [keyId],
  );
  if (open === undefined) throw new Error("counting the open holds gave no row");
  if (open.ofKey >= keyLimits.concurrent)
    return { kind: "too_many_concurrent", limit: keyLimits.concurrent };
  if (open.ofAccount >= accountLimits.concurrent)
    return { kind: "too_many_concurrent", limit: accountLimits.concurrent };
  return null;
}
