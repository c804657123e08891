/** A name as it stands in a JSON Pointer. Source: RFC 6901 section 3. */
export function inPointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** A name that stands in a JSON Pointer as `inPointer` writes it. Source: RFC 6901 section 4. */
export function outOfPointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
