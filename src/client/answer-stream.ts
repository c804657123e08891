import type { FrameBody, StartedBody } from "#wire/events.ts";
import type { AnswerBody } from "#wire/responses.ts";
import { decodeSse, SseFormatError, type SseMessage } from "#wire/sse.ts";
import { ConnectionError, parseProblem, RefusedError, ReplyError, UnmaskError } from "./errors.ts";

/** A finished answer, as the API tells it. */
export type Answer = AnswerBody;

/** What happens while an answer is made: the start, then a frame for every step. */
export type AnswerUpdate =
  | ({ readonly event: "answer.started" } & StartedBody)
  | ({ readonly event: "answer.frame" } & FrameBody);

/** Sends a question and resolves to the body of events. */
export type OpenAnswer = (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

/**
 * An answer on its way: await it for the whole, or iterate it for the frames and await it afterwards. The question is
 * sent at the first of either. Leaving the loop aborts the question, and the service stops computing.
 *
 * Rejects and throws UnmaskError, or the reason of an abort.
 */
export class AnswerStream implements PromiseLike<Answer>, AsyncIterable<AnswerUpdate> {
  readonly #leaving = new AbortController();
  readonly #answer: PromiseWithResolvers<Answer> = Promise.withResolvers();
  readonly #updates: AsyncGenerator<AnswerUpdate, void, undefined>;
  #isStarted = false;

  /** `open` sends the question and resolves to the body of events; `signal` is the caller's own. */
  constructor(open: OpenAnswer, signal?: AbortSignal) {
    const signals = [this.#leaving.signal, ...(signal === undefined ? [] : [signal])];
    this.#updates = this.#run(open, AbortSignal.any(signals));
    // Whoever iterates gets the error from the loop; without this it would also count as unhandled.
    this.#answer.promise.then(undefined, () => undefined);
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

  /** Gives the question up. */
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

  async *#run(
    open: OpenAnswer,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerUpdate, void, undefined> {
    try {
      signal.throwIfAborted();
      for await (const message of decodeSse(await open(signal))) {
        const update = readMessage(message);
        if (!("object" in update)) yield update;
        else {
          this.#answer.resolve(update);
          return;
        }
      }
      throw new ConnectionError("the connection ended before the answer did");
    } catch (cause) {
      const error = signal.aborted ? signal.reason : named(cause);
      this.#answer.reject(error);
      throw error;
    } finally {
      const left = new DOMException("the loop over the answer was left", "AbortError");
      this.#leaving.abort(left);
      this.#answer.reject(left);
    }
  }
}

function readMessage({ event, data }: SseMessage): AnswerUpdate | Answer {
  const body = parseObject(data);
  switch (event) {
    case "answer.started":
      return { event, ...(body as StartedBody) };
    case "answer.frame":
      return { event, ...(body as FrameBody) };
    case "answer.completed":
      return body as AnswerBody;
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
