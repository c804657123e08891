import { type Answer, type AnswerUpdate, isEnd, readSnapshot } from "./updates.ts";

/** What an answer is drawn from. */
export interface AnswerSource {
  /** How often in a row a broken stream is taken up without a new event. */
  readonly retries: number;
  /** Whether leaving the answer gives it up: whoever only watches it leaves it to who asked. */
  readonly givesUp: boolean;
  /** Sends the question, or comes back to its answer. */
  open(signal: AbortSignal): Promise<OpenedAnswer>;
  /** The events behind that one, from the first where none is named; undefined where they cannot be read as they arrive. */
  resume(
    answerId: string,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array> | undefined>;
  /** The answer as it stands. */
  look(answerId: string, signal: AbortSignal): Promise<Answer>;
  cancel(answerId: string): Promise<void>;
  /** Waits before a broken stream is taken up. */
  pause(failures: number, signal: AbortSignal): Promise<void>;
  /** Waits before the answer is looked at again. */
  rest(signal: AbortSignal): Promise<void>;
}

/** An answer that was begun: its events, or how it stood; its id as far as it was told. */
export interface OpenedAnswer {
  readonly answerId: string | undefined;
  readonly body?: ReadableStream<Uint8Array> | undefined;
  readonly answer?: Answer;
}

/** Looks at an answer until it has ended, and tells what has changed. */
export async function* lookUntilEnd(
  source: AnswerSource,
  answerId: string,
  first: Answer | undefined,
  signal: AbortSignal,
): AsyncGenerator<AnswerUpdate, void, undefined> {
  let answer = first ?? (await source.look(answerId, signal));
  for (let told = ""; ; answer = await source.look(answerId, signal)) {
    const update = readSnapshot(answer);
    const state = [answer.status, answer.restarts, answer.usage.steps].join();
    if (state !== told) yield update;
    if (isEnd(update)) return;
    told = state;
    await source.rest(signal);
  }
}
