import type { WebhookTarget } from "#domain/notice.ts";
import type { AnswerBody } from "#wire/responses.ts";
import type { Job } from "./admit.ts";

/** What an answer is made from: everything that its object keeps, so that it can be made again after any death. */
export interface AnswerOrder {
  readonly job: Job;
  readonly keyId: string;
  readonly requestId: string;
  /** W3C `traceparent` of the request, handed on to the function. */
  readonly traceparent: string | null;
  /** Milliseconds since 1970 at which the canvas is told as it stands; null to wait for its end. */
  readonly deadlineAt: number | null;
  /** Whether the reply is kept in the ledger for the request's Idempotency-Key. */
  readonly isRepeatable: boolean;
  /** Who holds the price: the answer itself, under its id, or the batch it belongs to. */
  readonly payment:
    | { readonly kind: "hold" }
    | { readonly kind: "batch"; readonly batchId: string; readonly index: number };
  readonly webhook: WebhookTarget | null;
  /** Key under which a completed answer is cached, lower-case hex; null where it is not. */
  readonly cacheKey: string | null;
}

/** What is needed to make an answer again. */
export interface KeptAnswer {
  readonly order: AnswerOrder;
  /** Version of the decoder that completed it; null where it was not completed. */
  readonly decoder: string | null;
}

/** The answers of all accounts. Another account's answer, and none, are both null. */
export interface Answers {
  /** Takes an answer on, once per `job.id`: from the moment that this resolves it is made, or its price is given back, whoever dies. */
  start(order: AnswerOrder): Promise<void>;
  read(answerId: string, accountId: string): Promise<AnswerBody | null>;
  /** Resolves with the ended answer, or with the answer as it stands after `milliseconds`; null waits for the end. */
  wait(
    answerId: string,
    accountId: string,
    milliseconds: number | null,
  ): Promise<AnswerBody | null>;
  /** The answer's events as server-sent bytes: those after step `after` that have been, then those to come. Null for all. */
  events(
    answerId: string,
    accountId: string,
    after: number | null,
  ): Promise<ReadableStream<Uint8Array> | null>;
  /** Stops it where it stands and charges the steps that ran; an answer that has ended stays as it is. */
  cancel(answerId: string, accountId: string): Promise<AnswerBody | null>;
  /** What it was made from and by which decoder, for whoever wants to make it again; null also when that is not kept any more. */
  kept(answerId: string, accountId: string): Promise<KeptAnswer | null>;
  /** Keeps an answer that was not made but found, so that it can be read under its own id. Nothing is charged or told for it. */
  record(order: AnswerOrder, body: AnswerBody): Promise<void>;
}
