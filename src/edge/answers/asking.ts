import type { Failure } from "#domain/failure.ts";
import type { Allowance } from "#domain/limits.ts";
import type { NumericsText } from "#domain/numerics.ts";
import type { ModelCard } from "#domain/quote.ts";
import type { Result } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/api/answers/requests.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { ResponseTerms } from "#wire/compatible/responses/response-terms.ts";
import type { CacheDirectives, CacheOutcome } from "../cache/answer-cache.ts";
import type { CacheBinding } from "../cache/cache-client.ts";
import type { CallerContext } from "../caller-context.ts";
import type { FleetBinding } from "../fleet/fleet-client.ts";
import type { LedgerBinding } from "../ledger/ledger-client.ts";
import type { IdempotentRequest, RefusedHold } from "../ledger/ledger-service.ts";
import type { AskedPicture } from "../pictures/pictures.ts";
import type { UploadsBinding } from "../pictures/uploads.ts";
import type { NoticeBinding } from "../webhooks/notice-client.ts";
import type { AnswerBinding } from "./answer-client.ts";
import type { Job } from "./storage/answer-order.ts";

/** Who asks, and what a question reaches on its way. */
export type AskingCaller = CallerContext<
  AnswerBinding & CacheBinding & FleetBinding & LedgerBinding & NoticeBinding & UploadsBinding
>;

/** A request whose pictures may be at hand already: those of an answer that is replayed. */
export interface AskedRequest extends Omit<AnswerRequest, "pictures"> {
  readonly pictures: readonly AskedPicture[];
}

/** What is asked, and on which terms, whatever API it came through. */
export interface Asking {
  readonly request: AskedRequest;
  /** Of the model that is asked, or why it cannot be. */
  readonly card: Result<ModelCard, Failure>;
  readonly idempotency: IdempotentRequest | null;
  readonly directives: CacheDirectives;
  readonly delivery: Delivery;
  /** Class of arithmetic to answer with, where a function of it is left. Absent: any. */
  readonly numerics?: NumericsText | null;
  /** Of a response of OpenAI's: then it has an id of its own, also where the answer was there before, and is there to go on from. */
  readonly response?: ResponseTerms;
}

/** How the caller has the answer told. */
export type Delivery =
  /** Its events as they come. */
  | { readonly kind: "events" }
  /** As it stands after so many milliseconds; null waits for its end. */
  | { readonly kind: "body"; readonly waitMs: number | null };

/**
 * Whether the caller is told the answer's id before its end: `Prefer`, or a stream. Then it is accepted, waits for its
 * place and its function, and takes part in an equal question under way under an id of its own. A caller that waits for the
 * reply waits for that question's end.
 */
export function isAccepted({ delivery }: Asking): boolean {
  return delivery.kind === "events" || delivery.waitMs !== null;
}

/** A question that was answered, or taken on. */
export interface AskedAnswer {
  readonly answerId: string;
  readonly told: Told;
  /** Whether `told` is the reply of an earlier request with the same Idempotency-Key. */
  readonly isReplay: boolean;
  /** What is left of each rate, for the RateLimit fields. */
  readonly allowances: readonly Allowance[];
  readonly cache: CacheOutcome;
  readonly timings: Timings;
}

/** What the caller is told: events only where it asked for them and the answer was not known at once. */
export type Told =
  | { readonly kind: "body"; readonly body: AnswerBody }
  | { readonly kind: "events"; readonly events: ReadableStream<Uint8Array> };

/** Milliseconds that went by in the cache, with an equal question under way; until the price was held; and in the making. */
export interface Timings {
  readonly cacheMs: number;
  readonly queueMs: number;
  readonly makingMs: number;
}

/** Of what was known before any of it began. */
export const atOnce: Timings = { cacheMs: 0, queueMs: 0, makingMs: 0 };

export type RefusedAsk = RefusedHold;

/** A question on its way: read, priced, and not yet paid for. */
export interface Admitted {
  readonly caller: AskingCaller;
  readonly asking: Asking;
  readonly job: Job;
  /** Milliseconds since 1970; null to wait for its end. */
  readonly deadlineAt: number | null;
  /** Whether it was counted against the rates when it was let in. */
  readonly isRated: boolean;
}

/** What became of a question that was paid for, or was known to have been asked and paid for before. */
export type PaidAnswer =
  | { readonly kind: "paid"; readonly answer: Omit<AskedAnswer, "isReplay"> }
  /** The body of the first reply, as JSON text. */
  | { readonly kind: "replay"; readonly reply: string };
