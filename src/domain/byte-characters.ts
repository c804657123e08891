/**
 * The character that stands for each byte in a byte-level vocabulary: the printable ones of Latin-1 for themselves, the others from
 * U+0100 on. Source: `bytes_to_unicode` in encoder.py of GPT-2.
 */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const isPrintable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
})();
