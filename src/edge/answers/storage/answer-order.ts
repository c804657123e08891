import type { Warning } from "#domain/abilities.ts";
import type { PricedPicture } from "#domain/image/judge.ts";
import type { WebhookTarget } from "#domain/notice.ts";
import type { NumericsText } from "#domain/numerics.ts";
import type { ModelCard, Quote } from "#domain/quote.ts";
import type { AnswerKeeping } from "#domain/retention.ts";
import type { PlannedWork } from "#domain/work.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { ResponseTerms } from "#wire/compatible/responses/response-terms.ts";
import type { Owner } from "../../keys/viewer.ts";
import type { AskedQuestion, KeptQuestion } from "../../questions/question-picture.ts";

/** A question that has been let in, with its price. */
export interface Job {
  readonly id: string;
  readonly accountId: string;
  readonly card: ModelCard;
  readonly question: AskedQuestion;
  /** Its pictures as they were priced. Absent in what an earlier version stored: then the function reads the files itself. */
  readonly pictures?: readonly PricedPicture[];
  /** What of it the model was not trained for, or what was left out of it. */
  readonly warnings: readonly Warning[];
  readonly work: PlannedWork;
  readonly quote: Quote;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A job whose question is kept, so that it can be made from anywhere. */
export interface KeptJob extends Job {
  readonly question: KeptQuestion;
}

/** What an answer is made from: everything that its object keeps, so that it can be made again after any death. */
export interface AnswerOrder {
  readonly job: KeptJob;
  readonly keyId: string;
  /** The client token or subject that may see it besides the account's keys; null for the keys alone. */
  readonly owner: Owner;
  readonly requestId: string;
  /** W3C `traceparent` of the request, handed on to the function. */
  readonly traceparent: string | null;
  /** Milliseconds since 1970 at which the canvas is told as it stands; null to wait for its end. */
  readonly deadlineAt: number | null;
  /** Whether the reply is kept in the ledger for the request's Idempotency-Key. */
  readonly isRepeatable: boolean;
  /** What holds the price: the answer itself, under its id, or the batch it belongs to. */
  readonly payment:
    | { readonly kind: "hold" }
    | { readonly kind: "batch"; readonly batchId: string; readonly index: number };
  readonly webhook: WebhookTarget | null;
  /** Key under which a completed answer is cached, lower-case hex; null where it is not. */
  readonly cacheKey: string | null;
  /** The answer to an equal question under way, whose work it takes part in; null for one that is made by itself. */
  readonly follows: LedAnswer | null;
  /** Whether its caller was told that it will be made, and does not wait for it: then it waits for its place and its function. */
  readonly isAccepted: boolean;
  /** How many answers of the account the functions may have at one time. */
  readonly share: number;
  /** Whether it got its place among them with its hold; else it stands in line for one. */
  readonly hasPlace: boolean;
  /** How many other tokens its frames tell of each place that is written. Absent: none. */
  readonly alternatives?: number;
  /** Class of arithmetic that it is to be made with where a function of it is left, as a replay is; null for any. */
  readonly numerics: NumericsText | null;
  /** How long what of it. */
  readonly keeping: AnswerKeeping;
  /** What it was asked with as a response of OpenAI's, to be told with it. Absent: it was asked otherwise. */
  readonly response?: ResponseTerms;
}

/** An order as it was kept, by this version or by one before. */
export type StoredOrder = Omit<AnswerOrder, "job"> & { readonly job: Job };

/** Whether a function is asked as soon as the order is taken. */
export function beginsAtOnce({
  hasPlace,
  follows,
}: Pick<AnswerOrder, "hasPlace" | "follows">): boolean {
  return hasPlace && follows === null;
}

/** An order without its question. */
export type AnswerTerms = Omit<AnswerOrder, "job"> & {
  readonly job: Omit<AnswerOrder["job"], "question">;
  /** Under which its end is told, however often. */
  readonly noticeId: string;
};

/** An answer that began a run of its question. */
export interface LedAnswer {
  readonly answerId: string;
  readonly accountId: string;
}

/** What is left to do for an answer that has ended; each is done until it is known to be. */
export type CompletionTask = "settle" | "tell" | "cache" | "report" | "list";

/** How an answer ended. */
export interface EndedAnswer {
  readonly body: AnswerBody;
  readonly tasks: readonly CompletionTask[];
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Version of the decoder that completed it; null where it was not completed. */
  readonly decoder: string | null;
}
