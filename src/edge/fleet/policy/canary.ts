/**
 * On which side of a canary an answer falls: from 0 up to 1, even over answers, and the same for one answer however often it is
 * dispatched. Who is among the first percent is among the first ten. Source: FNV-1a (32 bits), then the finish of MurmurHash3,
 * which spreads the last letters over all bits.
 */
export function canaryShare(answerId: string): number {
  let hash = 0x811c9dc5;
  for (const letter of answerId) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
