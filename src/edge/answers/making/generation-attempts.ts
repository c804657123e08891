import { readAnswer, tokensSoFar, usageSoFar } from "#domain/answer-text.ts";
import type {
  AnswerCompleted,
  AnswerEvent,
  AnswerFailed,
  AnswerFrame,
  AnswerStarted,
} from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { AnswerOptions } from "#domain/question.ts";
import type { Result } from "#domain/result.ts";
import type { Dispatched } from "../../function/dispatch.ts";
import type { Progress } from "../storage/stored-progress.ts";

/** The end of an answer as it is made: what the function told, or the canvas as it stood when it was interrupted. */
export type GenerationEnd =
  | AnswerCompleted
  | AnswerFailed
  | (Omit<AnswerCompleted, "kind" | "digest" | "decoder"> & {
      readonly kind: "answer.partial" | "answer.cancelled";
    });

export type GenerationEvent = AnswerStarted | AnswerFrame | GenerationEnd;

/** What an answer is made with. */
export interface Generation {
  /** Resolves when a function may be asked. Rejects only with the reason of an aborted signal. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  /** Sends the work to a function; aborting the signal stops it. */
  readonly dispatch: (signal: AbortSignal) => Promise<Result<Dispatched, Failure>>;
  /** Counts this attempt and says how many there were; 0 where no function is asked yet. */
  readonly attempt: () => number;
  /** Takes an attempt back that reached no function. */
  readonly takeBack: () => void;
  /** Milliseconds after which to ask again what refused like this, `attempt` times asked; null where it is final. */
  readonly patience: (failure: Failure, attempt: number) => number | null;
  /** What earlier attempts told, and with which weights. */
  readonly progress: Progress;
  /** Called with the weights that took the work. */
  readonly onTaken: (modelDigest: string) => void;
  /** Interrupted by aborting with an `Interruption` as the reason. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly options: Pick<AnswerOptions, "canvas" | "stop" | "suffix">;
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

/** A reply that breaks off or falls silent is the death of a machine; what a function says itself is final. */
const deaths: ReadonlySet<Failure["kind"]> = new Set<Failure["kind"]>([
  "function_reply_invalid",
  "function_timeout",
]);

/**
 * Makes an answer to its end: starts again where a function died under it, tells nothing twice (answers are
 * deterministic, so the frames of another attempt are the same, and one whose are not has failed), and where it is interrupted,
 * tells the canvas as it stands. Never rejects but for a bug.
 */
export async function* generateAnswer(
  generation: Generation,
): AsyncGenerator<GenerationEvent, void, undefined> {
  const progress = new GenerationProgress(generation.progress);
  for (;;) {
    let waitMs = 0;
    for await (const event of attemptOnce(generation, progress)) {
      if (event.kind === "again") {
        waitMs = event.waitMs;
        break;
      }
      if (event.kind === "interrupted") {
        yield asItStands(event.status, progress.started, progress.frames, generation.options);
        return;
      }
      if (progress.contradicts(event)) {
        yield failed({ kind: "function_reply_invalid" });
        return;
      }
      if (!progress.isNew(event)) continue;
      yield event;
      if (event.kind !== "answer.started" && event.kind !== "answer.frame") return;
    }
    await generation.pause(waitMs, generation.signal);
  }
}

/** What was told of an answer in all attempts. */
class GenerationProgress {
  modelDigest: string | null;
  started: AnswerStarted | null;
  readonly frames: AnswerFrame[];

  constructor({ modelDigest, started, frames }: Progress) {
    this.modelDigest = modelDigest;
    this.started = started;
    this.frames = [...frames];
  }

  /** Takes an event in; false for what was told before. */
  isNew(event: AnswerEvent): boolean {
    if (event.kind === "answer.started") {
      if (this.started !== null) return false;
      this.started = event;
    }
    if (event.kind === "answer.frame") {
      if (event.step <= (this.frames.at(-1)?.step ?? 0)) return false;
      this.frames.push(event);
    }
    return true;
  }

  /** Whether an event tells a step otherwise than it was told: half of one answer and half of another is none. */
  contradicts(event: AnswerEvent): boolean {
    if (event.kind !== "answer.frame") return false;
    const known = this.frames.find(({ step }) => step === event.step);
    return known !== undefined && tokensOf(known) !== tokensOf(event);
  }
}

function tokensOf({ revealed }: AnswerFrame): string {
  return JSON.stringify(revealed.map(({ position, token }) => [position, token]));
}

type AttemptEvent =
  | AnswerEvent
  | { readonly kind: "interrupted"; readonly status: Interruption["status"] }
  | { readonly kind: "again"; readonly waitMs: number };

async function* attemptOnce(
  generation: Generation,
  progress: GenerationProgress,
): AsyncGenerator<AttemptEvent, void, undefined> {
  const { signal } = generation;
  try {
    await generation.turn(signal);
    signal.throwIfAborted();
    const attempt = generation.attempt();
    // Attempts of instances of the object that died under it are counted too: a question that kills them must not go round for ever.
    if (attempt > MAX_ATTEMPTS) return yield failed({ kind: "internal" });
    const isLast = attempt === MAX_ATTEMPTS;
    const dispatched = await generation.dispatch(signal);
    if (!dispatched.ok) {
      const waitMs = generation.patience(dispatched.refusal, attempt);
      if (waitMs === null) return yield failed(dispatched.refusal);
      // No function took the question, so it can have killed none: the attempt does not count.
      if (attempt > 0) generation.takeBack();
      return yield { kind: "again", waitMs };
    }
    const { modelDigest, events } = dispatched.value;
    const isSame = progress.started === null || progress.modelDigest === modelDigest;
    // The weights were changed under it: the rest would be of another answer. Asked again, it is answered by the new ones.
    if (!isSame) return yield failed({ kind: "function_unreachable" });
    progress.modelDigest = modelDigest;
    generation.onTaken(modelDigest);
    for await (const event of events) {
      // What comes after the interruption is not waited for, and not charged.
      signal.throwIfAborted();
      const isDeath = event.kind === "answer.failed" && deaths.has(event.failure.kind);
      yield isDeath && !isLast ? { kind: "again", waitMs: PAUSES_MS[attempt - 1] ?? 0 } : event;
    }
  } catch (cause) {
    if (!(signal.aborted && signal.reason instanceof Interruption)) throw cause;
    yield { kind: "interrupted", status: signal.reason.status };
  }
}

function failed(failure: Failure): AnswerFailed {
  return { kind: "answer.failed", failure };
}

/** The committed tokens, in the canvas's order, as far as frames told them. */
export function asItStands(
  status: Interruption["status"],
  started: AnswerStarted | null,
  frames: readonly AnswerFrame[],
  options: Generation["options"],
): GenerationEnd {
  return {
    kind: `answer.${status}`,
    ...readAnswer(tokensSoFar(frames), options),
    usage: usageSoFar(started, frames, { imageVectors: 0, canvas: options.canvas }),
  };
}
