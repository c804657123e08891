/**
 * A file as the header readers look at it: numbers at offsets, big-endian unless said. A DataView is one; so is a file that
 * lies in pieces, which need not be joined to be judged. Reading beyond the end throws RangeError.
 */
export type ByteView = Pick<
  DataView,
  "byteLength" | "getUint8" | "getUint16" | "getUint32" | "getInt32" | "getBigUint64"
>;

/** Looks at bytes that lie together. */
export function viewOf(bytes: Uint8Array): ByteView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
