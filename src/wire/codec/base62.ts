const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Writes bytes as one big-endian number in base 62, padded with zeros to `length`: letters and digits only, so that a
 * double click selects all of it. Throws RangeError if the number needs more digits.
 */
export function encodeBase62(bytes: Uint8Array, length: number): string {
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = "";
  while (number > 0n) {
    text = DIGITS.charAt(Number(number % 62n)) + text;
    number /= 62n;
  }
  if (text.length > length)
    throw new RangeError(`${bytes.length} bytes do not fit ${length} base-62 digits`);
  return text.padStart(length, "0");
}
