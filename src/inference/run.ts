import type { AnswerEvent } from "#domain/event.ts";
import type { PricedPicture } from "#domain/image/judge.ts";
import type { Question } from "#domain/question.ts";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { untouched } from "#domain/told-so-far.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import { readAnswer } from "#model/read-answer.ts";
import { DECODER_VERSION, pixelDigest, replayDigest } from "#wire/function/replay-digest.ts";
import type { Admission, Place, Turn } from "./admission.ts";
import { failureOf, midwayFailureOf } from "./fault.ts";
import type { Pace, PacedAnswer } from "./fleet/pace.ts";
import { decodeImages } from "./image-codec.ts";
import { errorChain, type Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { ModelHost } from "./model-host.ts";
import type { OpenSpan } from "./telemetry/telemetry.ts";

/** What a run works with. */
export interface RunParts {
  readonly host: ModelHost;
  readonly admission: Pick<Admission, "load">;
  readonly metrics: Pick<Metrics, "answered" | "queued">;
  readonly pace: Pick<Pace, "begin">;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Log;
  /** The span of the request that ordered it. */
  readonly span?: OpenSpan;
}

/** What is to be answered, by which weights and until when. */
export interface Work {
  readonly jobId: string;
  /** The account that ordered it. */
  readonly account: string;
  /** The client token or subject within it that did; null for its keys. */
  readonly owner: string | null;
  /** Whether what becomes of its pictures may be kept in memory, for the next question of who asks; absent: it may. */
  readonly isStored?: boolean;
  readonly question: Question;
  /** The question's pictures as they were priced; null where the order does not say. */
  readonly pictures: readonly PricedPicture[] | null;
  /** Hex SHA-256 of the manifest. */
  readonly digest: string;
  /** Aborts when the answer is to be told as it stands. */
  readonly deadline: AbortSignal;
  /** How many other tokens its frames tell of each place that is written. */
  readonly alternatives: number;
}

/**
 * Waits for its turn, answers, leaves its place however the answer ends, and counts it. Rejects only with the reason of an
 * aborted `signal`, while it waits; later the caller's leaving just ends it.
 */
export async function* run(
  work: Work,
  place: Place,
  parts: RunParts,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const enteredMs = parts.now();
  let started: { readonly atMs: number; readonly waitedMs: number } | undefined;
  let outcome = "abandoned";
  let [steps, forwardPasses, rows] = [0, 0, 0];
  const stepsLeft = parts.metrics.queued(work.question.options.steps);
  let paced: PacedAnswer | undefined;
  try {
    const turn = await turnBefore(place, work.deadline);
    if (turn === "late") place.leave();
    else {
      started = { atMs: parts.now(), ...turn };
      paced = parts.pace.begin();
    }
    const { options, read } = work.question;
    const events: Iterable<AnswerEvent> | AsyncIterable<AnswerEvent> =
      turn === "late"
        ? [{ kind: "answer.partial", ...untouched(options.canvas, read) }]
        : answerSafely(work, parts, signal);
    for await (const event of events) {
      if (event.kind === "answer.failed") outcome = event.failure.kind;
      if (event.kind === "answer.completed") outcome = "completed";
      if (event.kind === "answer.partial") outcome = "partial";
      if (event.kind === "answer.frame") {
        paced?.made(event.step - steps);
        steps = event.step;
        stepsLeft(work.question.options.steps - steps);
        rows += event.rows ?? 0;
      }
      if ("usage" in event) ({ steps, forwardPasses } = event.usage);
      yield event;
    }
  } finally {
    place.leave();
    stepsLeft(0);
    paced?.over();
    const endedMs = parts.now();
    const waitedMs = Math.round(started?.waitedMs ?? endedMs - enteredMs);
    const ranMs = Math.round(endedMs - (started?.atMs ?? endedMs));
    parts.metrics.answered({ outcome, waitedMs, ranMs, steps, forwardPasses, rows });
    parts.log("answer.ended", { job: work.jobId, outcome, steps, waitedMs, ranMs });
    const attributes = { "unmask.answer": work.jobId, "unmask.account": work.account };
    parts.span?.end(
      { ...attributes, "unmask.outcome": outcome, "unmask.steps": steps },
      !["completed", "partial", "abandoned"].includes(outcome),
      [
        { name: "answer.wait", startMs: endedMs - ranMs - waitedMs, endMs: endedMs - ranMs },
        { name: "answer.make", startMs: endedMs - ranMs, endMs: endedMs },
      ],
    );
  }
}

/** Waits for the turn, but not beyond the deadline, which may have passed already. */
async function turnBefore(place: Place, deadline: AbortSignal): Promise<Turn | "late"> {
  const late = Promise.withResolvers<"late">();
  const onDeadline = (): void => late.resolve("late");
  deadline.addEventListener("abort", onDeadline, { once: true });
  if (deadline.aborted) onDeadline();
  try {
    // Both are raced even when it is late: a turn that is given up rejects, and somebody must have heard it.
    return await Promise.race([late.promise, place.turn]);
  } finally {
    deadline.removeEventListener("abort", onDeadline);
  }
}

/** Answers; a fault on our side becomes the event that says so, since the reply's status has long been sent. */
async function* answerSafely(
  {
    jobId,
    account,
    owner,
    isStored = true,
    question,
    pictures: priced,
    digest: modelDigest,
    ...work
  }: Work,
  { host, admission, log }: RunParts,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  try {
    const pictures = await decodeImages(question.images, priced);
    if (!pictures.ok) {
      yield { kind: "answer.failed", failure: pictures.refusal };
      return;
    }
    const { toolsOf, abilities, numerics } = await host.described(signal);
    const { messages, options, read } = question;
    let remaining = options.steps * options.canvas;
    const asker = isStored ? JSON.stringify([account, owner]) : null;
    const tools = toolsOf(() => ({ account, remaining }), asker);
    const pictureDigests = await Promise.all(pictures.value.map(pixelDigest));
    const { alternatives } = work;
    const asked = { messages, options, pictures: pictures.value, pictureDigests, alternatives };
    const events =
      read === undefined
        ? answer(asked, tools, signal, work.deadline)
        : readAnswer({ ...asked, read }, tools, signal, work.deadline);
    for await (const event of events) {
      remaining = remainingAfter(event, remaining);
      if (event.kind === "answer.started") yield { ...event, numerics };
      else if (event.kind === "answer.completed") {
        const { tokens, fields } = event;
        const style = tools.read?.style ?? UNTOLD_READ_STYLE;
        const digest = await replayDigest({
          ...{ messages, options, pictureDigests, modelDigest, tokens },
          ...(read === undefined || fields === undefined
            ? {}
            : { reading: { order: read, style, fields } }),
        });
        host.noteMemory(false);
        yield { ...event, digest, decoder: DECODER_VERSION };
      } else if (event.kind === "answer.failed" && event.failure.kind === "empty_answer") {
        const { recommended } = abilities.canvas;
        yield { ...event, failure: { ...event.failure, recommended } };
      } else yield event;
    }
  } catch (cause) {
    const isAlone = admission.load().running <= 1;
    const failure = host.isLoaded() ? midwayFailureOf(cause, isAlone) : failureOf(cause);
    const { kind } = failure;
    if (kind === "logits_not_finite" || kind === "device_lost") host.condemn(kind);
    if (kind === "device_too_small" || kind === "device_out_of_memory") host.noteMemory(true);
    if (signal.aborted) return; // the caller has left: there is nobody to tell
    log("answer.fault", { job: jobId, code: failure.kind, error: errorChain(cause) });
    yield { kind: "answer.failed", failure };
  }
}

/** Rows that an answer may still compute, at the most: what its passes wait by. Before it has started its prompt is not known. */
function remainingAfter(event: ModelEvent, remaining: number): number {
  if (event.kind === "answer.started") {
    return event.steps * (event.promptLength + event.canvas);
  }
  return event.kind === "answer.frame" ? remaining - (event.rows ?? 0) : remaining;
}
