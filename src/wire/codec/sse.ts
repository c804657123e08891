/** One server-sent event. Source: WHATWG HTML section 9.2. */
export interface SseMessage {
  /** Name of the event; `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** Where to resume: what a client sends back as `Last-Event-ID`. */
  readonly id?: string;
  /** Milliseconds that a client waits before it connects again. */
  readonly retry?: number;
}

/**
 * Threat: a stream that never ends a line or an event fills the memory of whoever reads it. 1 MiB, because the largest
 * honest event is a completed answer of 512 tokens at about 150 bytes each plus its text. Counted in UTF-16 units.
 * Does not bound how many events come: the reader of events knows how many steps it asked for.
 */
export const MAX_SSE_EVENT_LENGTH: number = 1024 * 1024;

/** Silence after which proxies cut a stream is 30 … 60 s; a comment every 15 s keeps it open. */
const HEARTBEAT_MS = 15_000;

const heartbeat = ":\n\n";

/** The stream breaks the format or a limit; nothing after it can be trusted. */
export class SseFormatError extends Error {
  override readonly name = "SseFormatError";
}

/** Writes one event. Throws RangeError if a name or id contains a line end: a bug of the caller, and an injection if it went out. */
export function encodeSse({ event, data, id, retry }: SseMessage): string {
  if (/[\r\n]/.test(event) || (id !== undefined && /[\r\n\0]/.test(id)))
    throw new RangeError(`event "${event}" or its id "${id}" contains a line end`);
  const lines = [
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    // What the standard takes an event without a name for; readers of OpenAI's streams expect none.
    ...(event === "message" ? [] : [`event: ${event}`]),
    ...data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`),
  ];
  return `${lines.join("\n")}\n\n`;
}

/**
 * Reads events from bytes, however they are cut into chunks. Comments and unknown fields are skipped, an event that the
 * end cuts off is dropped, broken UTF-8 becomes U+FFFD, all as the standard says. Leaving the loop cancels the stream.
 * Throws SseFormatError beyond `MAX_SSE_EVENT_LENGTH`, and whatever the stream fails with.
 */
export async function* decodeSse(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<SseMessage, void, undefined> {
  const reader = stream.getReader();
  const utf8 = new TextDecoder();
  const parser = new LineParser();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(utf8.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel();
  }
}

/** Collects lines into events. Looks for line ends only in what is new, so that one byte per chunk costs no more than one chunk. */
class LineParser {
  #line = "";
  #endedWithReturn = false;
  #event = "";
  #data: string[] = [];
  #dataLength = 0;
  #lastId: string | undefined;
  #retry: number | undefined;

  *push(text: string): Generator<SseMessage, void, undefined> {
    if (text === "") return;
    // A line feed at the start belongs to the carriage return that ended the previous chunk.
    const fresh = this.#endedWithReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#endedWithReturn = text.endsWith("\r");
    const lines = fresh.split(/\r\n|\r|\n/);
    const unfinished = lines.pop() ?? "";
    for (const line of lines) {
      const message = this.#endLine(this.#line + line);
      this.#line = "";
      if (message !== undefined) yield message;
    }
    this.#line += unfinished;
    this.#refuseBeyondLimit(this.#line.length);
  }

  #endLine(line: string): SseMessage | undefined {
    if (line === "") return this.#endEvent();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    if (field === "id" && !value.includes("\0")) this.#lastId = value;
    if (field === "retry" && /^[0-9]{1,9}$/.test(value)) this.#retry = Number(value);
    if (field === "data") {
      this.#data.push(value);
      this.#dataLength += value.length + 1;
      this.#refuseBeyondLimit(this.#dataLength);
    }
    return undefined;
  }

  #endEvent(): SseMessage | undefined {
    const message: SseMessage = {
      event: this.#event === "" ? "message" : this.#event,
      data: this.#data.join("\n"),
      // An id stays in force for the events after it.
      ...(this.#lastId === undefined || this.#lastId === "" ? {} : { id: this.#lastId }),
      ...(this.#retry === undefined ? {} : { retry: this.#retry }),
    };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    this.#dataLength = 0;
    if (isEmpty) return undefined;
    this.#retry = undefined;
    return message;
  }

  #refuseBeyondLimit(length: number): void {
    if (length > MAX_SSE_EVENT_LENGTH)
      throw new SseFormatError(`an event is longer than ${MAX_SSE_EVENT_LENGTH} characters`);
  }
}

/** How a stream of events behaves on the wire. */
export interface SseStreamOptions {
  /** Called once when the reader goes away before the end: stop the work that feeds the stream. */
  readonly cancel: (reason: unknown) => void;
  readonly heartbeatMs?: number;
}

/**
 * Sends events as bytes, one chunk each, at the reader's pace, with a comment whenever none came for a heartbeat.
 * Ends with the source; an error of the source breaks the stream off.
 */
export function sseStream(
  messages: AsyncIterable<SseMessage>,
  { cancel, heartbeatMs = HEARTBEAT_MS }: SseStreamOptions,
): ReadableStream<Uint8Array> {
  const iterator = messages[Symbol.asyncIterator]();
  const utf8 = new TextEncoder();
  let next: Promise<IteratorResult<SseMessage>> | undefined;
  return new ReadableStream({
    async pull(controller) {
      next ??= iterator.next();
      const result = await withinHeartbeat(next, heartbeatMs);
      if (result === "silent") {
        controller.enqueue(utf8.encode(heartbeat));
        return;
      }
      next = undefined;
      if (result.done === true) controller.close();
      else controller.enqueue(utf8.encode(encodeSse(result.value)));
    },
    async cancel(reason) {
      cancel(reason);
      // A source that stands at a yield hears no signal: without this its `finally` would never run.
      await iterator.return?.();
    },
  });
}

async function withinHeartbeat<Value>(
  value: Promise<Value>,
  heartbeatMs: number,
): Promise<Value | "silent"> {
  const { promise: silence, resolve } = Promise.withResolvers<"silent">();
  const timer = setTimeout(() => resolve("silent"), heartbeatMs);
  try {
    return await Promise.race([value, silence]);
  } finally {
    clearTimeout(timer);
  }
}
