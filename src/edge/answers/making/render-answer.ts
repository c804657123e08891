import { restartsOf } from "#domain/event.ts";
import { type Micros, ZERO } from "#domain/micros.ts";
import { judgeSoFar, type ToldQuestion, usageSoFar } from "#domain/told-so-far.ts";
import {
  type AnswerBody,
  type AnswerStatus,
  answerBody,
  type MadeAnswer,
} from "#wire/api/answers/responses.ts";
import { type Problem, problemOf } from "#wire/error.ts";
import type { EndedAnswer, Job, StoredOrder } from "../storage/answer-order.ts";
import type { Progress } from "../storage/stored-progress.ts";
import { completionTasksOf } from "./completion-outbox.ts";
import type { GenerationEnd } from "./generation-attempts.ts";
import { chargeOf, sharedChargeOf } from "./payment.ts";

/** How far an answer was made and told, and what of its question says how that reads. */
export interface Generated extends Omit<Progress, "modelDigest"> {
  readonly question: ToldQuestion;
}

/** Renders an answer in the making: the canvas so far, nothing charged. */
export function bodyOfProgress(
  job: Omit<Job, "question">,
  modelDigest: string | null,
  generated: Generated,
): AnswerBody {
  const status = generated.started === null ? "queued" : "running";
  return answerBody(
    soFar(job, generated),
    { ...common(job, status, modelDigest, generated), digest: null, endedAt: null, error: null },
    ZERO,
  );
}

function bodyOfEnd(
  end: GenerationEnd,
  terms: {
    readonly job: Omit<Job, "question">;
    readonly modelDigest: string | null;
    readonly progress: Generated;
    readonly error: Problem | null;
  },
  charged: Micros,
  endedAt: number,
): AnswerBody {
  const { job, modelDigest, progress, error } = terms;
  const generated = end.kind === "answer.failed" ? soFar(job, progress) : end;
  const digest = end.kind === "answer.completed" ? end.digest : null;
  return answerBody(
    generated,
    { ...common(job, statusOf(end), modelDigest, progress), digest, endedAt, error },
    charged,
  );
}

/** Ends an answer: how it is told from now on, what it costs, and what is left to do for it. */
export function endedAnswer(
  order: StoredOrder,
  end: GenerationEnd,
  made: {
    readonly modelDigest: string | null;
    readonly progress: Generated;
    /** Whether another answer pays for the work. */
    readonly isShared: boolean;
    readonly at: number;
  },
): EndedAnswer {
  const { job, requestId } = order;
  const { modelDigest, progress, isShared, at } = made;
  const error =
    end.kind === "answer.failed"
      ? problemOf(end.failure, { requestId, instance: `/v1/answers/${job.id}` })
      : null;
  const charge = isShared ? sharedChargeOf(end, job) : chargeOf(end, job);
  const own = bodyOfEnd(end, { job, modelDigest, progress, error }, charge, at);
  const body: AnswerBody = { ...own, cached: isShared && end.kind === "answer.completed" };
  const decoder = end.kind === "answer.completed" ? end.decoder : null;
  return { body, tasks: completionTasksOf(order, body), at, decoder };
}

function statusOf({ kind }: GenerationEnd): AnswerStatus {
  return kind.slice("answer.".length) as "completed" | "partial" | "cancelled" | "failed";
}

function common(
  job: Omit<Job, "question">,
  status: AnswerStatus,
  modelDigest: string | null,
  { started }: Pick<Generated, "started">,
) {
  const { id: jobId, card, createdAt, warnings } = job;
  const arithmetic = { numerics: started?.numerics ?? null, restarts: restartsOf(started) };
  return { jobId, status, model: card.id, modelDigest, ...arithmetic, createdAt, warnings };
}

function soFar(
  { quote }: Omit<Job, "question">,
  { started, frames, question }: Generated,
): MadeAnswer {
  const usage = usageSoFar(started, frames, quote);
  return { ...judgeSoFar(started, frames, question), usage };
}
