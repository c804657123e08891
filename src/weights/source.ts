/** Bytes of known length that can be read anywhere: a file, an object, memory. */
export interface ByteSource {
  readonly byteLength: number;
  /** Differs whenever the content does (ETag, time of last change); absent where nothing of the kind is known. */
  readonly revision?: string;
  /** Reads exactly that range. Throws RangeError if it leaves the source: lengths are checked before reading. */
  slice(offset: number, bytes: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Reads exactly that range piece by piece; leaving the loop ends the transfer. Throws RangeError like `slice`. */
  stream(offset: number, bytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Says that this very range will be streamed soon: a source that is far begins to fetch it. Only the last two are remembered. */
  announce?(offset: number, bytes: number, signal?: AbortSignal): void;
}

/** Gives bytes in memory the manners of a file. */
export function memorySource(content: Uint8Array): ByteSource {
  return {
    byteLength: content.byteLength,
    async slice(offset, bytes, signal) {
      signal?.throwIfAborted();
      checkRange(content.byteLength, offset, bytes);
      return content.slice(offset, offset + bytes);
    },
    async *stream(offset, bytes, signal) {
      signal?.throwIfAborted();
      checkRange(content.byteLength, offset, bytes);
      if (bytes > 0) yield content.subarray(offset, offset + bytes);
    },
  };
}

/** Throws RangeError unless [offset, offset + bytes) lies inside a source of `byteLength` bytes. */
export function checkRange(byteLength: number, offset: number, bytes: number): void {
  const isInside =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(bytes) &&
    offset >= 0 &&
    bytes >= 0 &&
    offset + bytes <= byteLength;
  if (!isInside) {
    throw new RangeError(`bytes ${offset} + ${bytes} are outside of a source of ${byteLength}`);
  }
}

/** Collects a stream of known length into one array; a stream of another length throws RangeError. */
export async function collect(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.byteLength > bytes) {
      throw new RangeError(`more than the ${bytes} bytes expected`);
    }
    whole.set(chunk, filled);
    filled += chunk.byteLength;
  }
  if (filled !== bytes) throw new RangeError(`${filled} bytes where ${bytes} were expected`);
  return whole;
}
