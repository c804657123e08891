import type { AnswerFrame, AnswerStarted } from "#domain/event.ts";
import { createFrameTeller } from "#domain/told-frames.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { SseMessage } from "#wire/codec/sse.ts";
import { bodyMessage, progressMessage } from "#wire/function/event-messages.ts";
import type { Progress } from "../storage/stored-progress.ts";

/** What has been told of one answer, and the streams that listen. Lives as long as its object's instance. */
export class AnswerEventLog {
  readonly #answerId: string;
  #modelDigest: string | null;
  #started: AnswerStarted | null;
  readonly #tellable = createFrameTeller();
  /** As callers are told them. */
  readonly #frames: AnswerFrame[];
  #end: AnswerBody | null;
  /** Whether the frames of an ended answer are still there. */
  readonly #hasFrames: boolean;
  #change: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(answerId: string, progress: Progress, end: AnswerBody | null, hasFrames: boolean) {
    this.#answerId = answerId;
    this.#modelDigest = progress.modelDigest;
    this.#started = progress.started;
    this.#frames = progress.frames.map(this.#tellable);
    this.#end = end;
    this.#hasFrames = hasFrames;
  }

  get modelDigest(): string | null {
    return this.#modelDigest;
  }

  /** What callers have been told. */
  progress(): Omit<Progress, "modelDigest"> {
    return { started: this.#started, frames: this.#frames };
  }

  taken(modelDigest: string): void {
    this.#modelDigest = modelDigest;
  }

  tell(event: AnswerStarted | AnswerFrame): void {
    if (event.kind === "answer.started") this.#started = event;
    else this.#frames.push(this.#tellable(event));
    this.#wake();
  }

  end(body: AnswerBody): void {
    this.#end = body;
    this.#wake();
  }

  /** Resolves when the answer has ended, or after so many milliseconds; null waits for the end. */
  async ended(milliseconds: number | null): Promise<void> {
    const isLate = Promise.withResolvers<void>();
    const timer = milliseconds === null ? null : setTimeout(isLate.resolve, milliseconds);
    let hasTime = true;
    void isLate.promise.then(() => {
      hasTime = false;
    });
    while (this.#end === null && hasTime)
      await Promise.race([this.#change.promise, isLate.promise]);
    clearTimeout(timer);
  }

  /** The answer's messages behind step `after` (-1 for all), to its end. An end that was heard is told again. */
  async *follow(after: number): AsyncGenerator<SseMessage, void, undefined> {
    let isStartTold = after >= 0 || (this.#end !== null && !this.#hasFrames);
    let next = 0;
    for (;;) {
      const change = this.#change.promise;
      if (!isStartTold && this.#started !== null) {
        isStartTold = true;
        yield progressMessage(this.#started, this.#answerId);
      }
      for (; next < this.#frames.length; next++) {
        const frame = this.#frames[next];
        if (frame !== undefined && frame.step > after) yield progressMessage(frame, this.#answerId);
      }
      if (this.#end !== null && next >= this.#frames.length) {
        yield endMessage(this.#end);
        return;
      }
      await change;
    }
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

/** The last event of an answer; for one that is told again, the only one. */
export function endMessage(body: AnswerBody): SseMessage {
  // An EventSource that comes back with this id has heard the end.
  const id = `${body.id}.${body.usage.steps + 1}`;
  if (body.error !== null) return bodyMessage("answer.failed", body.error, id);
  return { event: `answer.${body.status}`, data: JSON.stringify(body), id };
}
