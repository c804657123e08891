import {
  type AnswerBeginning,
  type AnswerFrame,
  placeInStream,
  restartsOf,
} from "#domain/event.ts";
import { createFrameTeller, type ToldFrame } from "#domain/told-frames.ts";
import { fieldMessages } from "#wire/api/answers/fields/field-messages.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { SseMessage } from "#wire/codec/sse.ts";
import { bodyMessage, progressMessage } from "#wire/function/event-messages.ts";
import type { Progress } from "../storage/stored-progress.ts";

/** What has been told of one answer, and the streams that listen. Lives as long as its object's instance. */
export class AnswerEventLog {
  readonly #answerId: string;
  #modelDigest: string | null;
  #started: AnswerBeginning | null;
  #tellable = createFrameTeller();
  /** As callers are told them, since it began the last time. */
  #frames: ToldFrame[];
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

  tell(event: AnswerBeginning | AnswerFrame): void {
    if (event.kind === "answer.frame") this.#frames.push(this.#tellable(event));
    else {
      this.#started = event;
      this.#tellable = createFrameTeller();
      this.#frames = [];
    }
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

  /**
   * The answer's messages behind place `after` of its stream (-1 for all), to its end. Of one that began anew, those since then.
   * An end that was heard is told again.
   */
  async *follow(after: number): AsyncGenerator<SseMessage, void, undefined> {
    const isForgotten = this.#end !== null && !this.#hasFrames;
    let told: AnswerBeginning | null = null;
    let next = 0;
    for (;;) {
      const change = this.#change.promise;
      const started = this.#started;
      const restarts = restartsOf(started);
      if (started !== told && started !== null) {
        [told, next] = [started, 0];
        if (!isForgotten && placeInStream(restarts, 0) > after)
          yield progressMessage(started, this.#answerId, restarts);
      }
      // It may begin anew while a message is on its way: then what is left of the frames before is none of it.
      for (; started === this.#started && next < this.#frames.length; next++) {
        const frame = this.#frames[next];
        if (frame === undefined || placeInStream(restarts, frame.step) <= after) continue;
        yield* fieldMessages(frame);
        yield progressMessage(frame, this.#answerId, restarts);
      }
      if (started !== this.#started) continue;
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
  const id = `${body.id}.${placeInStream(body.restarts, body.usage.steps + 1)}`;
  if (body.error !== null) return bodyMessage("answer.failed", body.error, id);
  return { event: `answer.${body.status}`, data: JSON.stringify(body), id };
}
