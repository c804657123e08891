import type { AnswerEnd, AnswerUpdate } from "#client/answer-stream.ts";
import type { AnswerFrame, AnswerStarted } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { micros } from "#domain/micros.ts";
import type { Picture } from "#domain/tensor.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import type { PicturedQuestion } from "#model/prepare.ts";
import type { AskedCard } from "#wire/api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "#wire/api/answers/requests.ts";
import { type AnsweredJob, answerBody } from "#wire/api/answers/responses.ts";
import type { ModelBody } from "#wire/api/models.ts";
import { type Problem, problemOf } from "#wire/error.ts";
import { progressMessage } from "#wire/function/event-messages.ts";
import { pixelDigest, replayDigest } from "#wire/function/replay-digest.ts";
import { decodePictures } from "./decode-picture.ts";
import type { PrivateModel } from "./private-model.ts";

/** A question that is answered here. */
export interface PrivateQuestion {
  /** As `POST /v1/answers` takes it, without its pictures. */
  readonly body: unknown;
  readonly pictures: readonly Blob[];
  /** As the service told it. */
  readonly card: ModelBody;
  /** Tells the answer as it stands when it aborts. */
  readonly stop: AbortSignal;
}

/** What happens, as callers of the API are told it; or why the question cannot be answered, in its words. */
export type PrivateEvent =
  | { readonly kind: "update"; readonly update: AnswerUpdate }
  | { readonly kind: "refused"; readonly problem: Problem };

/**
 * Answers a question in this worker: read by the same card, decoded, prompted, made and told by the same code as the service's, so that its
 * words, and its replay digest, are the service's wherever its arithmetic is. Throws what the engine does.
 */
export async function* answerPrivately(
  { tools, loaded, numerics }: PrivateModel,
  { body, pictures: files, card, stop }: PrivateQuestion,
): AsyncGenerator<PrivateEvent, void, undefined> {
  const job = newJob(card, loaded.digest, numerics);
  const request = parseAnswerValue(body, cardOf(card), noPicture);
  if (!request.ok) return yield refusal(request.refusal);
  const bytes = await Promise.all(
    files.map(async (file) => new Uint8Array(await file.arrayBuffer())),
  );
  const pictures = await decodePictures(bytes);
  if (!pictures.ok) return yield refusal(pictures.refusal);
  const question = await questionOf(request.value, pictures.value);
  const { deadlineMs } = request.value;
  const deadline =
    deadlineMs === null ? stop : AbortSignal.any([stop, AbortSignal.timeout(deadlineMs)]);
  for await (const event of answer(question, tools, never, deadline)) {
    if (event.kind === "answer.failed") return yield refusal(failureOf(event.failure, card));
    const warnings = request.value.warnings;
    // Frames are told with their words at once, sealed to nobody: an empty answer costs nothing here either way.
    if (event.kind === "answer.started") yield told({ ...event, numerics }, job.jobId);
    else if (event.kind === "answer.frame") yield told(event, job.jobId);
    else yield { kind: "update", update: await ended(event, { ...job, warnings }, question, stop) };
    await aTurn();
  }
}

/** The body's pictures lie beside it. */
function noPicture(): never {
  throw new Error("a private question brings no pictures in its body");
}

const never: AbortSignal = new AbortController().signal;

/** Lets what the page has said, and timers, come in between two steps: the engine itself never waits for anything. */
function aTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** The card by which the service reads questions. */
function cardOf({ abilities, canvas, block_length, mode, refresh }: ModelBody): AskedCard {
  return {
    abilities: {
      canvas: { standard: canvas.default, recommended: canvas.recommended, limit: canvas.limit },
      systemMessages: abilities.system_messages,
      severalPictures: abilities.several_pictures,
      severalTurns: abilities.several_turns,
    },
    blockLength: block_length,
    mode,
    refresh: { standard: refresh.default, limit: refresh.limit },
  };
}

async function questionOf(
  { messages, options, alternatives = 0 }: AnswerRequest,
  pictures: readonly Picture[],
): Promise<PicturedQuestion & { readonly pictureDigests: readonly string[] }> {
  const pictureDigests = await Promise.all(pictures.map(pixelDigest));
  return { messages, options, pictures, pictureDigests, alternatives };
}

function newJob(card: ModelBody, modelDigest: string, numerics: string): AnsweredJob {
  return {
    ...{ jobId: `private_${crypto.randomUUID()}`, status: "running", model: card.id },
    ...{ modelDigest, numerics, restarts: 0, digest: null, error: null, warnings: [] },
    ...{ createdAt: Date.now(), endedAt: null },
  };
}

function told(event: AnswerStarted | AnswerFrame, jobId: string): PrivateEvent {
  const { data } = progressMessage(event, jobId, 0);
  const update: AnswerUpdate = { event: event.kind, ...JSON.parse(data) };
  return { kind: "update", update };
}

async function ended(
  event: Exclude<ModelEvent, AnswerStarted | AnswerFrame | { kind: "answer.failed" }>,
  job: AnsweredJob,
  { messages, options, pictureDigests }: Awaited<ReturnType<typeof questionOf>>,
  stop: AbortSignal,
): Promise<AnswerEnd> {
  const isWhole = event.kind === "answer.completed";
  const { tokens } = event;
  const { modelDigest } = job;
  const digest =
    isWhole && modelDigest !== null
      ? await replayDigest({ messages, options, pictureDigests, modelDigest, tokens })
      : null;
  const cut = stop.aborted ? "cancelled" : "partial";
  const status = isWhole ? "completed" : cut;
  const done: AnsweredJob = { ...job, status, digest, endedAt: Date.now() };
  return { event: `answer.${status}`, ...answerBody(event, done, micros(0)) };
}

/** What the function adds to a refusal of the model. */
function failureOf(failure: Failure, { canvas }: ModelBody): Failure {
  return failure.kind === "empty_answer"
    ? { ...failure, recommended: canvas.recommended }
    : failure;
}

function refusal(failure: Failure): PrivateEvent {
  const problem = problemOf(failure, { requestId: "private", instance: "/private" });
  return { kind: "refused", problem };
}
