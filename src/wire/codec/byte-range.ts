/** A part of something: `offset` below its size, at least one byte. */
export interface BytePart {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Reads a `Range` header for something of a known size. Undefined where the whole is to be sent: there is no header, or one that may be
 * ignored (another unit, several parts, no range at all); `unsatisfiable` where it begins behind the end. Source: RFC 9110 §14.1.2, §14.2.
 */
export function readByteRange(
  header: string | undefined,
  size: number,
): BytePart | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const bytes = Math.min(Number(last), size);
    return bytes === 0 ? "unsatisfiable" : { offset: size - bytes, bytes };
  }
  const offset = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < offset) return undefined;
  return offset >= size ? "unsatisfiable" : { offset, bytes: end - offset + 1 };
}
