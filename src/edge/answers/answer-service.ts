import type { Message } from "#domain/question.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { ResponseTerms } from "#wire/compatible/responses/response-terms.ts";
import type { Viewer } from "../keys/viewer.ts";
import type { Followed } from "./making/following.ts";
import type { AnswerOrder, LedAnswer } from "./storage/answer-order.ts";

/** What is needed to make an answer again. */
export interface KeptAnswer {
  readonly order: AnswerOrder;
  /** Version of the decoder that completed it; null where it was not completed. */
  readonly decoder: string | null;
}

/** An answer with what it was asked as a response. */
export interface AskedAs {
  readonly body: AnswerBody;
  /** Null where it was asked otherwise. */
  readonly response: ResponseTerms | null;
  readonly isStored: boolean;
  /** What was said, and how many pictures it brought; null where that is not kept any more. */
  readonly asked: {
    readonly messages: readonly Message[];
    readonly pictures: number;
    readonly detail: "low" | "auto";
  } | null;
}

/** A caller that waits, and what keeps its Worker up to tell that it left. */
export interface LeavingCaller {
  readonly signal: AbortSignal;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** What became of a deletion: all is gone · what could not be reached will be · it is still being made, and stays. */
export type Deletion = "deleted" | "deleting" | "still running";

/** The answers of all accounts. What the viewer may not see, and what is not there, are both null. */
export interface Answers extends Followed {
  /** Takes an answer on, once per `job.id`: from the moment that this resolves it is made, or its price is given back, whether its object or a function dies. */
  start(order: AnswerOrder): Promise<void>;
  /**
   * Starts it, and resolves with the ended answer, or with the answer as it stands after `milliseconds`; null waits for the
   * end. It is cancelled where `caller` leaves; null lets it go on.
   */
  run(
    order: AnswerOrder,
    milliseconds: number | null,
    caller: LeavingCaller | null,
  ): Promise<AnswerBody>;
  /** Starts it, and tells its events as server-sent bytes. */
  stream(order: AnswerOrder): Promise<ReadableStream<Uint8Array>>;
  read(answerId: string, viewer: Viewer): Promise<AnswerBody | null>;
  /** As `read`, to be told to whoever asked: an answer that is not stored goes with its end. */
  show(answerId: string, viewer: Viewer): Promise<AnswerBody | null>;
  /** As `show`, with what it was asked. */
  asked(answerId: string, viewer: Viewer): Promise<AskedAs | null>;
  /** Resolves with the ended answer, or with the answer as it stands after `milliseconds`; null waits for the end. */
  wait(answerId: string, viewer: Viewer, milliseconds: number | null): Promise<AnswerBody | null>;
  /** The answer's events as server-sent bytes: those after step `after` that have been, then those to come. Null for all. */
  events(
    answerId: string,
    viewer: Viewer,
    after: number | null,
  ): Promise<ReadableStream<Uint8Array> | null>;
  /**
   * Ends it where it stands and charges the steps that ran; an answer that has ended stays as it is. Work that others take
   * part in goes on for them.
   */
  cancel(answerId: string, viewer: Viewer): Promise<AnswerBody | null>;
  /**
   * Deletes an answer that has ended, with everything that came of it: from then on nobody sees it, and what cannot be reached now
   * follows by itself.
   */
  delete(answerId: string, viewer: Viewer): Promise<Deletion | null>;
  /** What it was made from and by which decoder, for a replay; null also when that is not kept any more. */
  kept(answerId: string, viewer: Viewer): Promise<KeptAnswer | null>;
  /** Keeps an answer that was not made but found, so that it can be read under its own id. Nothing is charged for it, and no endpoint of the account is told, only the address that its order names. */
  record(order: AnswerOrder, body: AnswerBody): Promise<void>;
  /** Tells an answer that its turn at the functions has come. A call that is lost costs it a while: it looks by itself. */
  call(answer: LedAnswer): Promise<void>;
  /** As `wait`, of another's answer whose end is waited for; null also where it is not there. */
  watch(leader: LedAnswer, milliseconds: number | null): Promise<AnswerBody | null>;
}
