import { type AnswerBeginning, type AnswerFrame, restartsOf } from "#domain/event.ts";
import type { AnswerRepository } from "../storage/answer-repository.ts";
import { noProgress, type Progress } from "../storage/stored-progress.ts";

/** Frames that are kept together: a row for each would cost a small model more than its step. */
const FRAMES_A_ROW = 8;
const KEPT_WITHIN_MS = 50;

/**
 * Keeps what comes of an answer, some frames in one row. What is lost with the object is made again, and is the same; so
 * the frames are kept for who comes back for them, and for what is charged where nobody makes them again.
 */
export class ProgressKeeper {
  readonly #repository: Pick<AnswerRepository, "keep">;
  #unkept: Progress = noProgress;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How often the answer has begun anew. */
  #restarts: number;

  constructor(repository: Pick<AnswerRepository, "keep">, restarts: number) {
    this.#repository = repository;
    this.#restarts = restarts;
  }

  /** `modelDigest`: the weights that it came of. */
  came(event: AnswerBeginning | AnswerFrame, modelDigest: string | null): void {
    const { started, frames } = this.#unkept;
    if (event.kind !== "answer.frame") this.#restarts = restartsOf(event);
    if (event.kind === "answer.restarted") {
      this.#beginAnew(event, modelDigest);
      return;
    }
    this.#unkept =
      event.kind === "answer.started"
        ? { modelDigest, started: event, frames }
        : { modelDigest, started, frames: [...frames, event] };
    if (this.#unkept.frames.length >= FRAMES_A_ROW) this.#keep();
    else this.#timer ??= setTimeout(() => this.#keep(), KEPT_WITHIN_MS);
  }

  /** What has come since it was last kept, to be kept with something else: it is this one's no more. */
  handOver(): Progress {
    const unkept = this.#unkept;
    this.#unkept = noProgress;
    this.stop();
    return unkept;
  }

  stop(): void {
    clearTimeout(this.#timer ?? null);
    this.#timer = undefined;
  }

  /** Kept before anybody is told: places in the stream rise with it, and who has heard it comes back with one of them. */
  #beginAnew(started: AnswerBeginning, modelDigest: string | null): void {
    this.#unkept = { modelDigest, started, frames: [] };
    this.#keep();
  }

  #keep(): void {
    this.#repository.keep(this.handOver(), this.#restarts);
  }
}
