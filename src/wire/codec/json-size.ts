/**
 * Counts the values of JSON text by what separates them: commas and opening brackets outside of strings. Stops beyond
 * `limit`. Text that is no JSON gives some number; the parser refuses it anyway.
 */
export function countJsonValues(json: Uint8Array, limit: number): number {
  let count = 1;
  let isInString = false;
  for (let index = 0; index < json.length && count <= limit; index += 1) {
    const byte = json[index];
    if (isInString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) count += 1;
  }
  return count;
}

// The bytes of `"`, `\\`, `,`, `[` and `{` in UTF-8, where none of them is ever part of another character.
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
