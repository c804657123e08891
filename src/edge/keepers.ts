import type { ErasureCounts, ErasurePhase } from "#wire/api/accounts/erasures.ts";
import type { ObjectsOf } from "./objects.ts";

/** How far the erasure of an account is. Times are milliseconds since 1970. */
export interface Erasure {
  /** `era_…`, which nobody guesses: who has it may see how far the erasure is. */
  readonly id: string;
  /** The name under which the account's books stand from now on. */
  readonly pseudonym: string;
  readonly phase: ErasurePhase;
  readonly counts: ErasureCounts;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

/** What the keeper of an account's times is asked. */
export interface RetentionCalls {
  /** An upload of the account is to be deleted at that time, milliseconds since 1970. */
  uploadKept(accountId: string, expiresAt: number): Promise<void>;
  /** Begins to erase the account, once; from when this resolves nobody is let in, and the rest goes on by itself, whatever dies. */
  erase(accountId: string): Promise<Erasure>;
}

/** Where they are bound. */
export interface RetentionBinding {
  /** One per account, named by its id. */
  readonly KEEPERS: ObjectsOf<RetentionCalls>;
}

/** Reaches the keeper of an account's times. */
export function retentionOf({ KEEPERS }: RetentionBinding, accountId: string): RetentionCalls {
  const stub = KEEPERS.getByName(accountId);
  return {
    uploadKept: async (id, expiresAt) => await stub.uploadKept(id, expiresAt),
    erase: async (id) => await stub.erase(id),
  };
}
