import type {
  AnswerBeginning,
  AnswerCompleted,
  AnswerFailed,
  AnswerFrame,
  AnswerPartial,
  MadeEvent,
} from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { NumericsText } from "#domain/numerics.ts";
import type { AnswerOptions, ReadOrder } from "#domain/question.ts";
import type { Result } from "#domain/result.ts";
import { ToldAnswer } from "#domain/told-answer.ts";
import { judgeSoFar, usageSoFar } from "#domain/told-so-far.ts";
import type { Dispatched } from "../../fleet/dispatch.ts";
import type { Progress } from "../storage/stored-progress.ts";

/** The end of an answer as it is made: what the function told, or the canvas as it stood when it was interrupted. */
export type GenerationEnd =
  | AnswerCompleted
  | AnswerFailed
  | (Omit<AnswerPartial, "kind"> & { readonly kind: "answer.partial" | "answer.cancelled" });

export type GenerationEvent = AnswerBeginning | AnswerFrame | GenerationEnd;

/** What an answer is made with. */
export interface Generation {
  /** Resolves when a function may be asked. Rejects only with the reason of an aborted signal. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  /**
   * Sends the work to a function, one of the class and the weights that told what was told where there is one; aborting the signal
   * stops it. Null: nothing was told.
   */
  readonly dispatch: (
    signal: AbortSignal,
    numerics: NumericsText | null,
    modelDigest: string | null,
  ) => Promise<Result<Dispatched, Failure>>;
  /** Counts this attempt and says how many there were; 0 where no function is asked yet. */
  readonly attempt: () => number;
  /** Takes an attempt back that reached no function, or was cut off by one that was asked to end. */
  readonly takeBack: () => void;
  /** Milliseconds after which to ask again what refused like this, `attempt` times asked; null where it is final. */
  readonly patience: (failure: Failure, attempt: number) => number | null;
  /** What earlier attempts told, and with which weights. */
  readonly progress: Progress;
  /** Called when a function took the work. */
  readonly onTaken: () => void;
  /** Called with the weights that make what is told from now on. */
  readonly onWeights: (modelDigest: string) => void;
  /** Interrupted by aborting with an `Interruption` as the reason. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly question: StandingQuestion;
}

/** What of a question its answer is told by as it stands. */
export interface StandingQuestion {
  readonly options: Pick<AnswerOptions, "canvas" | "stop" | "suffix">;
  readonly read?: ReadOrder;
}

/** Why an answer is told as it stands. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly status: "partial" | "cancelled";

  constructor(status: "partial" | "cancelled") {
    super(`the answer is to be told as it stands: ${status}`);
    this.status = status;
  }
}

/** Functions may die under an answer so often; after the third the question itself is taken to kill them. */
export const MAX_ATTEMPTS = 3;

/** A machine that died leaves its place to another; before the second and third attempt, the time to see that. */
const PAUSES_MS = [200, 800] as const;

/** A reply that breaks off or falls silent is the death of a machine, and so is its end, or the loss of its GPU; what else a function says itself is final. */
const deaths: ReadonlySet<Failure["kind"]> = new Set<Failure["kind"]>([
  "draining",
  "function_reply_invalid",
  "function_timeout",
  "device_lost",
]);

/**
 * Makes an answer to its end: starts again where a function died under it, tells nothing twice, and where it is interrupted,
 * tells the canvas as it stands. Where another attempt has another arithmetic the answer begins anew (`told-answer.ts`); one that
 * tells otherwise with the same has failed. Never rejects but for a bug.
 */
export async function* generateAnswer(
  generation: Generation,
): AsyncGenerator<GenerationEvent, void, undefined> {
  const told = new ToldAnswer(generation.progress);
  const cuts: Cuts = { count: 0 };
  for (;;) {
    let waitMs = 0;
    for await (const event of attemptOnce(generation, told, cuts)) {
      if (event.kind === "again") {
        waitMs = event.waitMs;
        break;
      }
      const events = eventsToTell(event, told, generation);
      if (events.length > 0 && told.modelDigest !== null) generation.onWeights(told.modelDigest);
      yield* events;
      if (!events.every(isProgress)) return;
    }
    await generation.pause(waitMs, generation.signal);
  }
}

/** Whether an event tells of the making, and is no end. */
export function isProgress(event: GenerationEvent): event is AnswerBeginning | AnswerFrame {
  switch (event.kind) {
    case "answer.started":
    case "answer.restarted":
    case "answer.frame":
      return true;
    default:
      return false;
  }
}

function eventsToTell(
  event: Exclude<AttemptEvent, { kind: "again" }>,
  told: ToldAnswer,
  { question }: Generation,
): readonly GenerationEvent[] {
  switch (event.kind) {
    case "answer.started":
    case "answer.restarted":
      return told.begin(event);
    case "answer.frame": {
      const verdict = told.frame(event);
      if (verdict.kind === "tell") return verdict.events;
      return [failed({ kind: "function_reply_invalid" })];
    }
    case "answer.completed":
      // A function that reads something else than was asked, or nothing, is of another version.
      if (!areAsked(event, question)) return [failed({ kind: "function_reply_invalid" })];
      return [...told.complete(), event];
    case "answer.partial":
      // At its deadline a function that began again is not as far as callers were told, or not the same.
      return [event.usage.steps < told.step ? standing("partial", told, question) : event];
    case "answer.failed":
      return [event];
    case "interrupted":
      return [standing(event.status, told, question)];
    default:
      return event satisfies never;
  }
}

/** Whether fields are told where they were asked for, those and in that order, and nowhere else. */
function areAsked(
  { fields = [] }: Pick<AnswerCompleted, "fields">,
  { read }: StandingQuestion,
): boolean {
  const asked = read?.fields ?? [];
  return (
    asked.length === fields.length && asked.every(({ name }, index) => name === fields[index]?.name)
  );
}

function standing(
  status: Interruption["status"],
  { started, frames }: ToldAnswer,
  question: StandingQuestion,
): GenerationEnd {
  return asItStands(status, started, frames, question);
}

/**
 * Cuts of functions that were asked to end and had no time left: no fault of the answer, so they count as no attempt. Threat: a
 * place that takes work and ends, over and over; an answer of minutes meets one roll-out, or two. From then on they count.
 */
const MAX_CUTS = 8;

/** How often functions that were asked to end have cut an answer off, in this life of its object. */
interface Cuts {
  count: number;
}

type AttemptEvent =
  | MadeEvent
  | { readonly kind: "interrupted"; readonly status: Interruption["status"] }
  | { readonly kind: "again"; readonly waitMs: number };

async function* attemptOnce(
  generation: Generation,
  told: ToldAnswer,
  cuts: Cuts,
): AsyncGenerator<AttemptEvent, void, undefined> {
  const { signal } = generation;
  try {
    await generation.turn(signal);
    signal.throwIfAborted();
    const attempt = generation.attempt();
    // Attempts of instances of the object that died under it are counted too: a question that kills them must not go round for ever.
    if (attempt > MAX_ATTEMPTS) return yield failed({ kind: "internal" });
    const isLast = attempt === MAX_ATTEMPTS;
    const dispatched = await generation.dispatch(signal, told.numerics, told.modelDigest);
    if (!dispatched.ok) {
      const waitMs = generation.patience(dispatched.refusal, attempt + cuts.count);
      if (waitMs === null) return yield failed(dispatched.refusal);
      // No function took the question, so it can have killed none: the attempt does not count.
      if (attempt > 0) generation.takeBack();
      return yield { kind: "again", waitMs };
    }
    const { modelDigest, events } = dispatched.value;
    told.taken(modelDigest, Math.max(0, attempt - 1));
    generation.onTaken();
    if (told.modelDigest !== null) generation.onWeights(told.modelDigest);
    for await (const event of events) {
      // What comes after the interruption is not waited for, and not charged.
      signal.throwIfAborted();
      const end = event.kind === "answer.failed" ? event.failure.kind : null;
      const isCut = end === "draining" && attempt > 0 && cuts.count < MAX_CUTS;
      if (isCut) {
        cuts.count += 1;
        generation.takeBack();
      }
      const isDeath = isCut || (end !== null && deaths.has(end) && !isLast);
      yield isDeath ? { kind: "again", waitMs: PAUSES_MS[attempt - 1] ?? 0 } : event;
    }
  } catch (cause) {
    if (!(signal.aborted && signal.reason instanceof Interruption)) throw cause;
    yield { kind: "interrupted", status: signal.reason.status };
  }
}

function failed(failure: Failure): AnswerFailed {
  return { kind: "answer.failed", failure };
}

/** The committed tokens, in the canvas's order, or the fields that are known, as far as frames told them. */
export function asItStands(
  status: Interruption["status"],
  started: AnswerBeginning | null,
  frames: readonly AnswerFrame[],
  question: StandingQuestion,
): GenerationEnd {
  const { canvas } = question.options;
  return {
    kind: `answer.${status}`,
    ...judgeSoFar(started, frames, question),
    usage: usageSoFar(started, frames, { imageVectors: 0, canvas }),
  };
}
