/** S3's smallest part is 5 MiB. 8 MiB × 10,000 parts is more than any object that this service writes. */
const PART_BYTES: number = 8 * 1024 * 1024;

/** Cuts pieces of any size into parts of `PART_BYTES`; only the last one may be shorter. */
export async function* inParts(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  let part = new Uint8Array(PART_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let taken = 0; taken < chunk.byteLength; ) {
      const piece = chunk.subarray(taken, taken + PART_BYTES - filled);
      part.set(piece, filled);
      filled += piece.byteLength;
      taken += piece.byteLength;
      if (filled === PART_BYTES) {
        yield part;
        part = new Uint8Array(PART_BYTES); // the other one is still being uploaded
        filled = 0;
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
  return undefined;
}

/** Puts back what was taken from a stream to see how long it is. */
export async function* resumed(
  first: Uint8Array,
  second: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield first;
  yield second;
  yield* rest;
}
