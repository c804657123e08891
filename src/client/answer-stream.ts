import type { SseMessage } from "#wire/codec/sse.ts";
import { ConnectionError, ReplyError } from "./errors.ts";
import type { Fields, FieldsAnswer, FieldsUpdate, ValuesIn } from "./fields/typed-fields.ts";
import {
  abortError,
  anySignal,
  type Deferred,
  deferred,
  reasonOf,
  throwIfAborted,
} from "./platform.ts";
import { type AnswerSource, lookUntilEnd } from "./stream/source.ts";
import {
  type Answer,
  type AnswerUpdate,
  isEnd,
  messagesOf,
  placeOf,
  readMessage,
} from "./stream/updates.ts";

export type { AnswerSource, OpenedAnswer } from "./stream/source.ts";
export { type Answer, type AnswerEnd, type AnswerUpdate, isEnd } from "./stream/updates.ts";

/**
 * An answer on its way: await it for the whole, or iterate it for the frames and await it afterwards. The question is
 * sent at the first of either. A stream that breaks is taken up where it broke: no frame is lost or told twice. Leaving
 * the loop over what was asked gives the question up, and the service stops computing.
 *
 * Rejects and throws UnmaskError, or the reason of an abort. `Told` and `Update`: how it is typed; of a question that names fields
 * they follow from those.
 */
export class AnswerStream<Told = Answer, Update = AnswerUpdate>
  implements PromiseLike<Told>, AsyncIterable<Update>
{
  readonly #source: AnswerSource;
  readonly #leaving = new AbortController();
  readonly #answer: Deferred<Answer> = deferred();
  readonly #answerId: Deferred<string> = deferred();
  readonly #updates: AsyncGenerator<AnswerUpdate, void, undefined>;
  #isStarted = false;
  #id: string | undefined;
  #lastEventId: string | undefined;
  /** Of the last event told that has one: -1 before the first. */
  #place = -1;
  /** Fields that were told since it began the last time: who comes back may be told some again. */
  readonly #fields = new Set<string>();

  /** `signal` is the caller's own. */
  constructor(source: AnswerSource, signal?: AbortSignal) {
    this.#source = source;
    const signals = [this.#leaving.signal, ...(signal === undefined ? [] : [signal])];
    this.#updates = this.#run(anySignal(signals));
    // Whoever iterates gets the error from the loop; without this it would also count as unhandled.
    this.#answer.promise.then(undefined, () => undefined);
    this.#answerId.promise.then(undefined, () => undefined);
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is the point.
  then<Value = Told, Other = never>(
    onAnswer?: ((answer: Told) => Value | PromiseLike<Value>) | null,
    onError?: ((reason: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Value | Other> {
    if (!this.#isStarted) void this.#drain();
    // The service reads what it was asked to: so much is believed of it.
    return (this.#answer.promise as Promise<unknown> as Promise<Told>).then(onAnswer, onError);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Update, void, undefined> {
    this.#isStarted = true;
    return this.#updates as AsyncGenerator<unknown> as AsyncGenerator<Update, void, undefined>;
  }

  /** The values of the fields that were asked for, once it has ended; of a question in words none. */
  async values(): Promise<ValuesIn<Told>> {
    const { fields = {} } = await this.then(() => this.#answer.promise);
    const values = Object.entries(fields).map(([name, { value }]) => [name, value] as const);
    return Object.fromEntries(values) as ValuesIn<Told>;
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
      throwIfAborted(signal);
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
      const error = signal.aborted ? reasonOf(signal) : cause;
      // Given up by the caller or refused by the service: only the first leaves work that is worth stopping.
      isOver = !signal.aborted;
      this.#answer.reject(error);
      throw error;
    } finally {
      if (!isOver) this.#stopWork();
      const left = abortError("the loop over the answer was left");
      this.#leaving.abort(left);
      this.#answer.reject(left);
      this.#answerId.reject(left);
    }
  }

  /** Best effort: whoever left does not wait for it, and an answer that nobody stops ends by itself. */
  #stopWork(): void {
    if (this.#source.givesUp && this.#id !== undefined)
      this.#source.cancel(this.#id).catch(() => undefined);
  }

  /** The events, once each, over as many connections as they take. */
  async *#listen(signal: AbortSignal): AsyncGenerator<AnswerUpdate, void, undefined> {
    const opened = await this.#source.open(signal);
    if (opened.answerId !== undefined) this.#identify(opened.answerId);
    let { body } = opened;
    for (let failures = 0; body !== undefined; ) {
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
    if (this.#id === undefined) throw new ReplyError("the answer has no id to come back to");
    yield* lookUntilEnd(this.#source, this.#id, opened.answer, signal);
  }

  /** The events of one connection that have not been told. Ends with the answer; throws ConnectionError where it breaks. */
  async *#fresh(body: ReadableStream<Uint8Array>): AsyncGenerator<AnswerUpdate, void, undefined> {
    for await (const message of messagesOf(body)) {
      const update = readMessage(message);
      if (update.event === "field.completed") {
        if (this.#fields.has(update.field)) continue;
        this.#fields.add(update.field);
        yield update;
        continue;
      }
      const place = isEnd(update) ? Number.POSITIVE_INFINITY : placeOf(message);
      if (place <= this.#place) continue;
      this.#place = place;
      this.#note(message);
      if (isBeginning(update)) this.#fields.clear();
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

/** The stream of an answer to fields. */
export type FieldsStream<Asked extends Fields> = AnswerStream<
  FieldsAnswer<Asked>,
  FieldsUpdate<Asked>
>;

/** The stream of an answer, typed as far as its fields are known before. */
export type StreamOf<Asked extends Fields> = [Asked] extends [never]
  ? AnswerStream
  : Fields extends Asked
    ? AnswerStream
    : FieldsStream<Asked>;

function isBeginning({ event }: AnswerUpdate): boolean {
  return event === "answer.started" || event === "answer.restarted";
}
