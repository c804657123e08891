import { anyOf, byte, type Expression, repeated, sequence } from "./regular.ts";

const tail: Expression = byte([0x80, 0xbf]);

/**
 * One character that a line of text may have, in UTF-8: no control character (C0, DEL, C1, the separators of lines and
 * paragraphs), no half of a surrogate pair, nothing that is written longer than it need be. Source: RFC 3629, §4.
 */
const character: Expression = anyOf(
  byte([0x20, 0x7e]),
  sequence(byte([0xc2, 0xc2]), byte([0xa0, 0xbf])),
  sequence(byte([0xc3, 0xdf]), tail),
  sequence(byte([0xe0, 0xe0]), byte([0xa0, 0xbf]), tail),
  sequence(byte([0xe1, 0xe1], [0xe3, 0xec], [0xee, 0xef]), tail, tail),
  sequence(byte([0xe2, 0xe2]), byte([0x80, 0x80]), byte([0x80, 0xa7], [0xaa, 0xbf])),
  sequence(byte([0xe2, 0xe2]), byte([0x81, 0xbf]), tail),
  sequence(byte([0xed, 0xed]), byte([0x80, 0x9f]), tail),
  sequence(byte([0xf0, 0xf0]), byte([0x90, 0xbf]), tail, tail),
  sequence(byte([0xf1, 0xf3]), tail, tail, tail),
  sequence(byte([0xf4, 0xf4]), byte([0x80, 0x8f]), tail, tail),
);

/** A line of text of any length, the empty one too. */
export const line: Expression = repeated(character);
