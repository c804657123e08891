import type { OwnAccountBody, StandingBody } from "#wire/api/accounts/account.ts";
import type { AccountBody } from "#wire/api/accounts/accounts.ts";
import type { KeyBody, NewKeyBody } from "#wire/api/accounts/keys.ts";

/** What opens a session: an account's key, a one-time code, or the administrator's key. */
export type SignInBy =
  | { readonly key: string }
  | { readonly code: string }
  | { readonly admin_key: string };

/** What a payment took back after it was spent; absent: nothing. */
interface Owing {
  readonly balance: { readonly owed_micros?: number };
}

export type AccountShownBody = OwnAccountBody &
  Owing & {
    /** Null or absent: there is no checkout. */
    readonly top_up?: { readonly url: string } | null;
  };

export type AdminAccountBody = AccountBody & StandingBody & Owing;

export interface RefusalRow {
  readonly day: string;
  readonly key: string;
  readonly code: string;
  readonly count: number;
}

export type UsedKeyBody = KeyBody;
export type NewUsedKeyBody = NewKeyBody;

/** What a function tells of itself; null or absent: it does not say. */
export interface FunctionBody {
  readonly object: "function";
  readonly url: string;
  readonly state: string;
  readonly model?: { readonly name: string; readonly version: string } | null;
  readonly loaded_bytes?: number | null;
  readonly total_bytes?: number | null;
  readonly eta_seconds?: number | null;
  readonly numerics?: string | null;
  readonly reason?: string | null;
  /** Answers at work, of so many places, and questions that wait. */
  readonly running?: number | null;
  readonly places?: number | null;
  readonly queued?: number | null;
}

export interface PaymentEventBody {
  readonly id: string;
  readonly object: "payment_event";
  readonly provider: string;
  readonly type: string;
  readonly payment: string;
  readonly account: string | null;
  readonly state: "applied" | "parked";
  readonly reason: string | null;
  readonly amount_micros: number;
  readonly received_at: string;
}
