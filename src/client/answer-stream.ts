import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { decodeSse, SseFormatError, type SseMessage } from "#wire/codec/sse.ts";
import type { FrameBody, RestartedBody, StartedBody } from "#wire/function/event-messages.ts";
import { ConnectionError, parseProblem, RefusedError, ReplyError, UnmaskError } from "./errors.ts";

/** A finished answer, as the API tells it. */
export type Answer = AnswerBody;

/**
 * What happens while an answer is made: the start, a frame for every step, then how it ended. Rarely it begins anew:
 * behind `answer.restarted`, or another `answer.started`, what was told before is none of it any more, and its frames come
 * again from the first.
 */
export type AnswerUpdate =
  | ({ readonly event: "answer.started" } & StartedBody)
  | ({ readonly event: "answer.restarted" } & RestartedBody)
  | ({ readonly event: "answer.frame" } & FrameBody)
  | AnswerEnd;

/** `completed`, `partial` at its deadline, or `cancelled`; a failed answer is thrown. */
export type AnswerEnd = {
  readonly event: "answer.completed" | "answer.partial" | "answer.cancelled";
} & Answer;

/** What an answer is drawn from. */
export interface AnswerSource {
  /** How often in a row a broken stream is taken up without a new event. */
  readonly retries: number;
  /** Sends the question. */
  open(signal: AbortSignal): Promise<{
    readonly body: ReadableStream<Uint8Array>;
    readonly answerId: string | undefined;
  }>;
  /** The events behind that one; from the first where none is named. */
  resume(
    answerId: string,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
  cancel(answerId: string): Promise<void>;
  pause(failures: number, signal: AbortSignal): Promise<void>;
}

/**
 * An answer on its way: await it for the whole, or iterate it for the frames and await it afterwards. The question is
 * sent at the first of either. A stream that breaks is taken up where it broke: no frame is lost or told twice. Leaving
 * the loop gives the question up, and the service stops computing.
 *
 * Rejects and throws UnmaskError, or the reason of an abort.
 */
export class AnswerStream implements PromiseLike<Answer>, AsyncIterable<AnswerUpdate> {
  readonly #source: AnswerSource;
  readonly #leaving = new AbortController();
  readonly #answer: PromiseWithResolvers<Answer> = Promise.withResolvers();
  readonly #answerId: PromiseWithResolvers<string> = Promise.withResolvers();
  readonly #updates: AsyncGenerator<AnswerUpdate, void, undefined>;
  #isStarted = false;
  #id: string | undefined;
  #lastEventId: string | undefined;
  /** Of the last event told: -1 before the first. */
  #place = -1;

  /** `signal` is the caller's own. */
  constructor(source: AnswerSource, signal?: AbortSignal) {
    this.#source = source;
    const signals = [this.#leaving.signal, ...(signal === undefined ? [] : [signal])];
    this.#updates = this.#run(AbortSignal.any(signals));
    // Whoever iterates gets the error from the loop; without this it would also count as unhandled.
    this.#answer.promise.then(undefined, () => undefined);
    this.#answerId.promise.then(undefined, () => undefined);
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is the point.
  then<Value = Answer, Other = never>(
    onAnswer?: ((answer: Answer) => Value | PromiseLike<Value>) | null,
    onError?: ((reason: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Value | Other> {
    if (!this.#isStarted) void this.#drain();
    return this.#answer.promise.then(onAnswer, onError);
  }

  [Symbol.asyncIterator](): AsyncGenerator<AnswerUpdate, void, undefined> {
    this.#isStarted = true;
    return this.#updates;
  }

  /** Its id, as soon as the service has given it one. */
  get answerId(): string | undefined {
    return this.#id;
  }

  /** Stops the answer where it stands. It still ends: `cancelled`, with what was charged. */
  async cancel(): Promise<void> {
    await this.#source.cancel(await this.#answerId.promise);
  }

  /** Gives the question up at once: the service is told to stop, and nobody listens any more. */
  abort(reason?: unknown): void {
    this.#leaving.abort(reason);
  }

  async #drain(): Promise<void> {
    this.#isStarted = true;
    let next = await this.#next();
    while (next !== "over") next = await this.#next();
  }

  async #next(): Promise<"more" | "over"> {
    // An error has been handed to `#answer` by then, which is what the one who awaits looks at.
    return await this.#updates.next().then(
      ({ done }) => (done === true ? "over" : "more"),
      () => "over",
    );
  }

  async *#run(signal: AbortSignal): AsyncGenerator<AnswerUpdate, void, undefined> {
    let isOver = false;
    try {
      signal.throwIfAborted();
      for await (const update of this.#listen(signal)) {
        if (isEnd(update)) {
          isOver = true;
          const { event: _event, ...answer } = update;
          this.#answer.resolve(answer);
        }
        yield update;
        if (isOver) return;
      }
    } catch (cause) {
      const error = signal.aborted ? signal.reason : cause;
      // Given up by the caller or refused by the service: only the first leaves work that is worth stopping.
      isOver = !signal.aborted;
      this.#answer.reject(error);
      throw error;
    } finally {
      if (!isOver) this.#stopWork();
      const left = new DOMException("the loop over the answer was left", "AbortError");
      this.#leaving.abort(left);
      this.#answer.reject(left);
      this.#answerId.reject(left);
    }
  }

  /** Best effort: whoever left does not wait for it, and an answer that nobody stops ends by itself. */
  #stopWork(): void {
    if (this.#id !== undefined) this.#source.cancel(this.#id).catch(() => undefined);
  }

  /** The events, once each, over as many connections as they take. */
  async *#listen(signal: AbortSignal): AsyncGenerator<AnswerUpdate, void, undefined> {
    const opened = await this.#source.open(signal);
    if (opened.answerId !== undefined) this.#identify(opened.answerId);
    let { body } = opened;
    for (let failures = 0; ; ) {
      const before = this.#place;
      try {
        yield* this.#fresh(body);
        return;
      } catch (cause) {
        failures = this.#place > before ? 1 : failures + 1;
        const isBroken = cause instanceof ConnectionError && !signal.aborted;
        if (!isBroken || this.#id === undefined || failures > this.#source.retries) throw cause;
        await this.#source.pause(failures, signal);
        body = await this.#source.resume(this.#id, this.#lastEventId, signal);
      }
    }
  }

  /** The events of one connection that have not been told. Ends with the answer; throws ConnectionError where it breaks. */
  async *#fresh(body: ReadableStream<Uint8Array>): AsyncGenerator<AnswerUpdate, void, undefined> {
    for await (const message of messagesOf(body)) {
      const update = readMessage(message);
      const place = isEnd(update) ? Number.POSITIVE_INFINITY : placeOf(message);
      if (place <= this.#place) continue;
      this.#place = place;
      this.#note(message);
      yield update;
      if (isEnd(update)) return;
    }
  }

  #note({ id }: SseMessage): void {
    if (id === undefined) return;
    this.#lastEventId = id;
    this.#identify(id.slice(0, id.lastIndexOf(".")));
  }

  #identify(answerId: string): void {
    this.#id = answerId;
    this.#answerId.resolve(answerId);
  }
}

/** The events of one connection; it always ends by throwing, unless it is left before. */
async function* messagesOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<SseMessage, void, undefined> {
  try {
    yield* decodeSse(body);
  } catch (cause) {
    throw named(cause);
  }
  throw new ConnectionError("the connection ended before the answer did");
}

/** Where an event stands in the answer's stream, also over restarts: the number behind the answer's id. */
function placeOf({ event, id = "" }: SseMessage): number {
  const place = /\.([0-9]{1,9})$/.exec(id)?.[1];
  if (place === undefined) throw new ReplyError(`${event} has no place in its stream`);
  return Number(place);
}

function isEnd(update: AnswerUpdate): update is AnswerEnd {
  switch (update.event) {
    case "answer.started":
    case "answer.restarted":
    case "answer.frame":
      return false;
    default:
      return true;
  }
}

function readMessage({ event, data }: SseMessage): AnswerUpdate {
  const body = parseObject(data);
  switch (event) {
    case "answer.started":
      return { event, ...(body as StartedBody) };
    case "answer.restarted":
      return { event, ...(body as RestartedBody) };
    case "answer.frame":
      return { event, ...(body as FrameBody) };
    case "answer.completed":
    case "answer.partial":
    case "answer.cancelled":
      return { event, ...(body as AnswerBody) };
    case "answer.failed": {
      const problem = parseProblem(body);
      throw problem === undefined
        ? new ReplyError("a failure without a problem")
        : new RefusedError(problem);
    }
    default:
      throw new ReplyError(`unknown event ${event.slice(0, 64)}`);
  }
}

function parseObject(data: string): object {
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch (cause) {
    throw new ReplyError("an event is not JSON", { cause });
  }
  if (typeof body !== "object" || body === null) throw new ReplyError("an event has no body");
  return body;
}

function named(cause: unknown): unknown {
  if (cause instanceof UnmaskError) return cause;
  if (cause instanceof SseFormatError)
    return new ReplyError("the reply is no stream of events", { cause });
  return new ConnectionError("the connection broke before the answer was complete", { cause });
}
