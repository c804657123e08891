/**
 * Counts the values of JSON text by what separates them: commas and opening brackets outside of strings. Stops beyond
 * `limit`. Text that is no JSON gives some number; the parser refuses it anyway.
 */
export function countJsonValues(json: Uint8Array, limit: number): number {
  let count = 1;
  for (let index = 0; index < json.length && count <= limit; index += 1) {
    const byte = json[index];
    if (byte === QUOTE) index = endOfString(json, index);
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) count += 1;
  }
  return count;
}

/** Returns where a string ends that begins at `start`; a picture in base64 is one string of megabytes, so it is not read byte by byte. */
function endOfString(json: Uint8Array, start: number): number {
  for (let from = start + 1; ; ) {
    const quote = json.indexOf(QUOTE, from);
    if (quote === -1) return json.length;
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}

// The bytes of `"`, `\\`, `,`, `[` and `{` in UTF-8, where none of them is ever part of another character.
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
