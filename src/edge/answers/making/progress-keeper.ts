import type { AnswerFrame, AnswerStarted } from "#domain/event.ts";
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

  constructor(repository: Pick<AnswerRepository, "keep">) {
    this.#repository = repository;
  }

  /** `modelDigest`: the weights that it came of. */
  came(event: AnswerStarted | AnswerFrame, modelDigest: string | null): void {
    const { started, frames } = this.#unkept;
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

  #keep(): void {
    this.#repository.keep(this.handOver());
  }
}
