/** How much of a stream is looked at in one go. */
const WINDOW_BYTES: number = 64 * 1024;

/**
 * Reads a stream of the runtime's through one window: each chunk lies in memory that the next is read into, and must be done
 * with before that is asked for. Chunks of their own would be garbage that is collected late: those of 10 MiB stood for
 * 60 MB of an isolate. Leaving the loop cancels the stream.
 */
export async function* byteWindows(
  stream: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (stream === null) return;
  const reader = stream.getReader({ mode: "byob" });
  let isOver = false;
  try {
    let window: ArrayBufferLike = new ArrayBuffer(WINDOW_BYTES);
    while (!isOver) {
      const read: ReadableStreamReadResult<Uint8Array> = await reader.read(new Uint8Array(window));
      isOver = read.done;
      if (read.value === undefined) return;
      if (read.value.length > 0) yield read.value;
      window = read.value.buffer;
    }
  } finally {
    // Not waited for: what hangs while it is read may hang while it is cancelled.
    if (!isOver) void reader.cancel().catch(() => undefined);
  }
}
