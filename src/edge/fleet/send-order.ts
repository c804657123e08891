import type { AnswerEvent, MadeEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { PricedPicture } from "#domain/image/judge.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { readAnswerEvents } from "#wire/function/events.ts";
import {
  ALTERNATIVES_HEADER,
  DEADLINE_HEADER,
  GENERATE_PATH,
  MODEL_DIGEST_HEADER,
} from "#wire/function/generate.ts";
import { ORDER_CONTENT_TYPE, orderPrefix } from "#wire/function/order.ts";
import { HOP_VERSION } from "#wire/function/ticket.ts";
import { callFunction, hopVersionOf, publicFailure } from "../function/client.ts";
import { IdleTimeout } from "../function/idle-timeout.ts";
import { ticketHeader } from "../function/signed-request.ts";
import { logFault } from "../log.ts";
import { openPictures } from "../questions/picture-store.ts";
import {
  type AskedQuestion,
  type KeptQuestion,
  pictureBytes,
} from "../questions/question-picture.ts";
import type { Settings } from "../settings.ts";

/** A function at work. */
export interface Dispatched {
  /** Which weights answer. */
  readonly modelDigest: string;
  /**
   * The answer as it comes, always told to an end: a function that falls silent or breaks off reads as `answer.failed`.
   * Leaving the loop makes the function stop. Rejects only with the reason of an aborted signal.
   */
  readonly events: AsyncGenerator<MadeEvent, void, undefined>;
}

/** What a function is to answer. */
export interface DispatchedJob {
  readonly id: string;
  readonly accountId: string;
  readonly card: Pick<ModelCard, "id">;
  readonly question: AskedQuestion;
  /** Its pictures as they were priced. Absent: the function reads the files itself. */
  readonly pictures?: readonly PricedPicture[];
}

/** A job whose question is kept. */
export interface SentJob extends DispatchedJob {
  readonly question: KeptQuestion;
}

/** What an order is sent with. */
export interface SendingMeans {
  readonly settings: Pick<Settings, "functionSilenceSeconds" | "ticketKey">;
  /** Where its large pictures lie. */
  readonly pictures: R2Bucket;
}

/** On whose behalf a job is sent, and until when. */
export interface SendingTerms {
  /** The client token or subject that asks, null for the account's keys: it finds what the function kept for it, and nobody else does. */
  readonly owner: string | null;
  /** Whether the function may keep anything of its pictures in memory; absent: it may. */
  readonly isStored?: boolean;
  readonly requestId: string;
  readonly traceparent: string | null;
  /** Milliseconds since 1970 at which the function is to tell the canvas as it stands; null for its end. */
  readonly deadlineAt: number | null;
  /** How many other tokens its frames are to tell of each place that is written. Absent: none. */
  readonly alternatives?: number | undefined;
  readonly signal: AbortSignal;
  /** Called when the job is on its way: what is written from then on holds it up no more. */
  readonly onSent?: () => void;
  /** Says why weights will not do that a function turns out to have; null where they do. Absent: any do. */
  readonly accepts?: (modelDigest: string) => Failure | null;
  /** Called once the answer was told to its end, with why it failed, or was left. */
  readonly onOver?: (failure: Failure | null) => void;
}

/**
 * Sends a job to one function with a ticket for exactly its question. Aborting the signal stops the function. Refuses also with
 * `image_not_found` where one of its pictures is gone, and with what the function says.
 */
export async function sendOrder(
  functionUrl: string,
  { id: jobId, accountId, card, question, ...job }: SentJob,
  { settings, pictures: bucket }: SendingMeans,
  terms: SendingTerms,
): Promise<Result<Dispatched, Failure>> {
  const { owner, isStored = true, requestId, traceparent, signal, onSent } = terms;
  const files = await openPictures(bucket, question.images);
  if (!files.ok) return files;
  const priced = job.pictures === undefined ? {} : { pictures: job.pictures };
  const ticket = await ticketHeader(
    question.head,
    {
      ...{ jobId, accountId, model: card.id, ...priced },
      ...(owner === null ? {} : { owner }),
      ...(isStored ? {} : { isStored }),
    },
    settings,
  );
  const headers = { ...ticket, "content-type": ORDER_CONTENT_TYPE, ...termHeaders(terms) };
  const idleTimeout = new IdleTimeout(settings.functionSilenceSeconds);
  try {
    const call = {
      functionUrl,
      requestId,
      traceparent,
      signal: AbortSignal.any([signal, idleTimeout.signal]),
    };
    const body = orderBody(question, files.value, requestId);
    const called = callFunction(call, GENERATE_PATH, { method: "POST", headers, body });
    onSent?.();
    const response = await called;
    const answer = response.ok ? await answerOf(response.value, terms) : response;
    if (!answer.ok) {
      idleTimeout.end();
      return answer;
    }
    const { modelDigest, stream } = answer.value;
    return ok({ modelDigest, events: tell(stream, idleTimeout, terms) });
  } catch (cause) {
    idleTimeout.end();
    signal.throwIfAborted();
    return refuse(failureOf(cause, idleTimeout, requestId));
  }
}

/** The body as it is sent: nothing of it is in memory but what is on its way. */
function orderBody(
  { head, images }: KeptQuestion,
  writeFiles: (writable: WritableStream<Uint8Array>) => Promise<void>,
  requestId: string,
): ReadableStream<Uint8Array> {
  const prefix = orderPrefix(head);
  const size = images.reduce((sum, image) => sum + pictureBytes(image), prefix.length);
  const { readable, writable } = new FixedLengthStream(size);
  const write = async (): Promise<void> => {
    const writer = writable.getWriter();
    await writer.write(prefix);
    writer.releaseLock();
    await writeFiles(writable);
    await writable.close();
  };
  // Not waited for: a function that refuses need not have heard it all, and then nobody reads on.
  void write().catch(async (cause: unknown) => {
    logFault("a work order was not sent to its end", requestId, cause);
    await writable.abort(cause).catch(() => undefined);
  });
  return readable;
}

/** What is no part of the question. */
function termHeaders({
  deadlineAt,
  alternatives = 0,
}: Pick<SendingTerms, "deadlineAt" | "alternatives">): Record<string, string> {
  const leftMs = deadlineAt === null ? null : Math.max(0, deadlineAt - Date.now());
  return {
    ...(leftMs === null ? {} : { [DEADLINE_HEADER]: String(leftMs) }),
    ...(alternatives === 0 ? {} : { [ALTERNATIVES_HEADER]: String(alternatives) }),
  };
}

async function answerOf(
  response: Response,
  { requestId, accepts }: SendingTerms,
): Promise<Result<{ modelDigest: string; stream: ReadableStream<Uint8Array> }, Failure>> {
  const { headers, body } = response;
  const modelDigest = headers.get(MODEL_DIGEST_HEADER) ?? "";
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (body === null || !isStream || !/^[0-9a-f]{64}$/.test(modelDigest)) {
    logFault("function's reply is no answer", requestId, JSON.stringify([...headers]));
    return refuse({ kind: "function_reply_invalid" });
  }
  const version = hopVersionOf(response);
  const unfit = accepts?.(modelDigest) ?? null;
  if (version >= HOP_VERSION && unfit === null) return ok({ modelDigest, stream: body });
  await body.cancel();
  if (unfit !== null) return refuse(unfit);
  logFault("function is older than the edge", requestId, `hop version ${version}`);
  return refuse({ kind: "function_outdated", version, needed: HOP_VERSION });
}

async function* tell(
  stream: ReadableStream<Uint8Array>,
  idleTimeout: IdleTimeout,
  { requestId, signal, onOver }: SendingTerms,
): AsyncGenerator<AnswerEvent, void, undefined> {
  let failure: Failure | null = null;
  try {
    for await (const event of readAnswerEvents(stream.pipeThrough(idleTimeout.pass()))) {
      if (event.kind === "answer.failed") failure = publicFailure(event.failure, requestId);
      yield event.kind === "answer.failed" && failure !== null ? { ...event, failure } : event;
    }
  } catch (cause) {
    signal.throwIfAborted();
    failure = failureOf(cause, idleTimeout, requestId);
    yield { kind: "answer.failed", failure };
  } finally {
    idleTimeout.end();
    onOver?.(failure);
  }
}

function failureOf(cause: unknown, idleTimeout: IdleTimeout, requestId: string): Failure {
  logFault("function did not finish its answer", requestId, cause);
  return idleTimeout.hasExpired
    ? { kind: "function_timeout", silentSeconds: idleTimeout.seconds }
    : { kind: "function_reply_invalid" };
}
