/** Compares two digests. Takes as long for a first wrong digit as for a last one, so that time does not tell how far a guess was right. */
export function isSameSecret(left: string, right: string): boolean {
  const utf8 = new TextEncoder();
  const [a, b] = [utf8.encode(left), utf8.encode(right)];
  return a.length === b.length && crypto.subtle.timingSafeEqual(a, b);
}
