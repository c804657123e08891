import type { Failure } from "#domain/failure.ts";
import type { Balances, EntryKind } from "#domain/ledger.ts";
import type { Allowance } from "#domain/limits.ts";
import type { Micros } from "#domain/micros.ts";
import type { Result } from "#domain/result.ts";
import type { PaymentWord } from "#domain/top-up.ts";
import type { ListedEnd } from "#wire/function/usage-event.ts";
import type { PlaceRequest } from "./limits/places.ts";
import type { RatedRequest, RefusedRequest } from "./limits/rates.ts";
import type { SpendingRequest } from "./limits/spend-caps.ts";

/**
 * The money of one account as its callers see it. Every call is one transaction of the account's single writer and may
 * be repeated: a call whose reply was lost changes nothing the second time. Rejects only where the writer cannot be reached.
 */
export interface Ledger {
  /** Gives credit, once per `grantId`. Refuses with `invalid_request` beyond what can be counted, and a used id with `already_exists` for anything else. */
  grant(grant: Grant): Promise<Result<Given, Failure>>;
  /**
   * Returns what an answer was charged or a part of it, once per `refundId`: to the credit, to what its key and client
   * token may still spend of the same day and month, and from the usage. Refuses with `invalid_request` above the charge,
   * and as `grant` does.
   */
  refund(refund: Refund): Promise<Result<Given, Failure>>;
  /**
   * Hears what a provider says of a payment, and brings the credit to what the payment is worth now: more is granted, less is
   * withdrawn. What was spent of it before it is taken back is owed, and whatever makes credit available pays that first.
   * Words may come in any order and more than once. Refuses with `invalid_request` beyond what can be counted.
   */
  hearPayment(payment: HeardPayment): Promise<Result<Standing, Failure>>;
  /** The balances as of the last entry, and what is owed. */
  standing(): Promise<Standing>;
  /**
   * Lets an answer in and sets its price aside, all or nothing. In this order: a known Idempotency-Key replays, or is
   * refused with `idempotency_in_progress` or `idempotency_mismatch`; then `price_above_maximum`, `rate_limited`,
   * `too_many_concurrent`, `spend_limit_reached`, `insufficient_credit`.
   */
  hold(request: HoldRequest): Promise<Result<Held, RefusedHold>>;
  /**
   * Lets a request in whose price is not known yet, because its pictures are still to be fetched: what it takes of the
   * rates is used, its room and credit are looked at, nothing is set aside. Refuses in the order of `hold`.
   */
  letIn(request: LetInRequest): Promise<Result<LetIn, RefusedHold>>;
  /** What a hold with this Idempotency-Key would be told before anything else is looked at; null where the key is new. */
  recall(request: IdempotentRequest): Promise<Result<Held, RefusedHold> | null>;
  /** Tells that an answer is still being made: an open hold that is not renewed expires after minutes, and any after a day. */
  renew(holdId: string): Promise<void>;
  /**
   * Stands in line for a place at the functions, and says whether it has come to it. To be asked again until it has; an
   * answer without a hold of its own asks on for as long as it works.
   */
  takePlace(place: PlaceRequest): Promise<boolean>;
  /** Gives up the place of an answer without a hold of its own. */
  leavePlace(answerId: string): Promise<Called>;
  /**
   * Charges at most what was held and gives the rest back, and keeps the reply for the Idempotency-Key, in one
   * transaction. Returns what was charged; nothing if the hold was released or has expired.
   */
  capture(capture: Capture): Promise<Captured>;
  /** Gives a hold back whole and forgets its Idempotency-Key, so that a retry runs anew. */
  release(holdId: string): Promise<Called>;
  /** Forgets the words of the reply to the request that this hold was for; a repeated one is recognised all the same. */
  forgetReply(holdId: string): Promise<void>;
  /**
   * Takes everything from the books of an account that is erased but the money: of entries, payments and closed holds the
   * amounts, times and ids stay, without keys, subjects and what they were for. False while a hold is open or usage is still to
   * be sent: call again.
   */
  erase(): Promise<boolean>;
  /** Sets the threshold below which the account is told, once, that its credit runs low; a grant that lifts the credit to it arms the alert again. */
  setLowCreditAlert(alert: LowCreditAlert): Promise<void>;
  balance(): Promise<Balances>;
  entries(query: EntryQuery): Promise<EntryPage>;
}

export interface Grant {
  readonly grantId: string;
  readonly amount: Micros;
  readonly note: string;
}

export interface Refund {
  readonly refundId: string;
  /** Whose ledger it is. */
  readonly accountId: string;
  readonly holdId: string;
  readonly amount: Micros;
  readonly note: string;
}

/** What became of a grant or refund. */
export interface Given {
  /** Whether it was given before under its id, so that nothing was added now. */
  readonly isRepeat: boolean;
}

/** `amount` is the quote. */
export interface HoldRequest extends LetInRequest {
  /** The answer's id. */
  readonly holdId: string;
  readonly accountId: string;
  readonly model: string;
  /** What the caller would pay at most; null is whatever it costs. */
  readonly maximum: Micros | null;
  /** How many answers of the account the functions may have at one time; null for what needs no place: a batch, which is no answer. */
  readonly share: number | null;
  /** Whether it takes part in the work of another answer: it is not made itself, so it needs no place and is not counted among those in the making. */
  readonly isShared: boolean;
  /** Whether `letIn` has counted it against the rates. */
  readonly isRated: boolean;
}

/** `amount` is the least that it can cost. */
export interface LetInRequest extends RatedRequest, SpendingRequest {
  readonly idempotency: IdempotentRequest | null;
}

/** What a provider says of a payment. */
export interface HeardPayment {
  readonly paymentId: string;
  readonly word: PaymentWord;
  /** Id of the event that says so: reference of what it leads to. No chosen id of a grant has a colon, and every one of these has. */
  readonly eventId: string;
}

/** Where an account stands. */
export interface Standing {
  readonly balances: Balances;
  /** What was given back to payers or their banks after it was spent; above zero only where nothing is available. */
  readonly owed: Micros;
}

export type LetIn =
  | { readonly kind: "new"; readonly allowances: readonly Allowance[] }
  /** The body of the first reply, as JSON text. */
  | { readonly kind: "replay"; readonly reply: string };

/** A request that may be repeated and must be answered and charged once. */
export interface IdempotentRequest {
  /** API key, subject, path and Idempotency-Key: the same text of another key, subject or path is another request. */
  readonly scope: string;
  /** Hex SHA-256 of the canonical body. */
  readonly fingerprint: string;
}

export type Held =
  /** `hasPlace`: whether a function may be asked at once; else `takePlace` says when. */
  | {
      readonly kind: "held";
      readonly allowances: readonly Allowance[];
      readonly hasPlace: boolean;
    }
  /** The body of the first reply, as JSON text. */
  | { readonly kind: "replay"; readonly reply: string };

/** A hold that is refused, or a request that is not let in. */
export type RefusedHold = RefusedRequest;

export interface Capture {
  readonly holdId: string;
  readonly charge: Micros;
  /** Steps that ran. */
  readonly steps: number;
  /** How many answers it pays for; one when absent. */
  readonly answers?: number;
  /** Body of the reply as JSON text, for a repeated request; null where there is none to repeat. */
  readonly reply: string | null;
  /** How the list of answers is to tell it, which learns of it with the usage; absent for what is not listed so. */
  readonly listed?: ListedEnd;
}

/** Whose turn it is at the functions, now that an answer has left its place: they may be told, and find out by themselves. */
export interface Called {
  readonly called: readonly string[];
}

export interface Captured extends Called {
  readonly charged: Micros;
  /** Whether the list of answers learns of it with the usage: now, or since an earlier call. */
  readonly isListed: boolean;
}

/** When an account is told that its credit runs low. */
export interface LowCreditAlert {
  readonly accountId: string;
  /** Micro-dollars of available credit below which it is told; null: never. */
  readonly threshold: Micros | null;
}

export interface LedgerEntry {
  /** Rises by one with each entry of the account. */
  readonly seq: number;
  readonly kind: EntryKind;
  readonly amount: Micros;
  readonly holdId: string | null;
  readonly keyId: string | null;
  /** Id of a grant or refund. */
  readonly reference: string | null;
  readonly note: string | null;
  /** Milliseconds since 1970, by the writer's clock. */
  readonly at: number;
  /** What could be spent after it. */
  readonly available: Micros;
}

/** Which entries, newest first. */
export interface EntryQuery {
  /** Those that stand before it: a cursor of an earlier page. */
  readonly before?: number;
  /** Not older than this, in milliseconds since 1970. */
  readonly from?: number;
  /** Older than this. */
  readonly until?: number;
  readonly kind?: EntryKind;
  readonly limit: number;
}

export interface EntryPage {
  readonly entries: readonly LedgerEntry[];
  /** Where the next page begins; null on the last. */
  readonly nextBefore: number | null;
}
