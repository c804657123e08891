/** Units of UTF-16 that a byte of UTF-8 begins: JavaScript counts characters so. */
export function unitsOf(byte: number): number {
  if ((byte & 0xc0) === 0x80) return 0;
  return byte >= 0xf0 ? 2 : 1;
}

/** Units of UTF-16 in so much UTF-8. */
export function unitsIn(bytes: Uint8Array): number {
  let units = 0;
  for (const byte of bytes) units += unitsOf(byte);
  return units;
}
