/** A name as it stands in a JSON Pointer. Source: RFC 6901 section 3. */
export function inPointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
