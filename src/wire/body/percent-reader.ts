import { GrowingFile } from "./growing-file.ts";

const [PERCENT, FRAGMENT] = [0x25, 0x23] as const;
const [TAB, LINE_FEED, VERTICAL_TAB, FORM_FEED, RETURN, SPACE] = [
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20,
] as const;

/**
 * Reads the bytes that the body of a data URI stands for, as it arrives: UTF-8, and what is written as `%XX`. A `%` without
 * two digits is itself; a `#` ends the body. Source: WHATWG URL, "percent-decode", and Fetch, "data: URL processor".
 */
export class PercentReader {
  readonly #take: (bytes: Uint8Array) => void;
  readonly #keepsSpaces: boolean;
  /** A `%`, and the digit behind it: what came of an escape so far. */
  #escape: number[] = [];
  /** Spaces that are none of the body unless something comes behind them. */
  readonly #spaces = new GrowingFile();
  #decoded = new Uint8Array();
  #used = 0;
  /** How many of the bytes that were decoded last are such spaces. */
  #spacesUsed = 0;
  #isOver = false;

  /** `keepsSpaces`: line breaks, and white space at the end, are the matter of who takes the bytes. */
  constructor(take: (bytes: Uint8Array) => void, terms: { readonly keepsSpaces: boolean }) {
    this.#take = take;
    this.#keepsSpaces = terms.keepsSpaces;
  }

  write(text: Uint8Array): void {
    if (this.#isOver) return;
    // What nearly all bodies are: base64, with neither.
    const mayBePlain = this.#keepsSpaces && this.#escape.length === 0;
    if (mayBePlain && !text.includes(PERCENT) && !text.includes(FRAGMENT)) {
      this.#take(text);
      return;
    }
    // No escape stands for more bytes than it has; of the last text there may be two left.
    if (this.#decoded.length < text.length + 2) this.#decoded = new Uint8Array(text.length + 2);
    for (const byte of text) {
      if (byte === FRAGMENT) {
        this.#isOver = true;
        break;
      }
      this.#read(byte);
    }
    this.#handOn();
    // In front of a fragment the last spaces are the body's.
    if (this.#isOver) this.#flush();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#spaces.clear();
    this.#flush();
  }

  #read(byte: number): void {
    if (!this.#keepsSpaces) {
      if (byte === TAB || byte === LINE_FEED || byte === RETURN) return;
      if (byte === SPACE || byte === VERTICAL_TAB || byte === FORM_FEED) {
        this.#putEscape();
        this.#put(byte);
        this.#spacesUsed += 1;
        return;
      }
      this.#spacesUsed = 0;
      // Those at the end of the text before; of this one there were none but spaces yet.
      if (this.#spaces.byteLength > 0) this.#takeSpaces();
    }
    if (this.#escape.length > 0 && hexDigit(byte) === -1) this.#putEscape();
    if (byte !== PERCENT && this.#escape.length === 0) this.#put(byte);
    else this.#escape.push(byte);
    const [, high, low] = this.#escape;
    if (high === undefined || low === undefined) return;
    this.#put(hexDigit(high) * 16 + hexDigit(low));
    this.#escape = [];
  }

  #put(byte: number): void {
    this.#decoded[this.#used++] = byte;
  }

  /** What began like an escape and is none is itself. */
  #putEscape(): void {
    for (const byte of this.#escape.splice(0)) this.#put(byte);
  }

  #flush(): void {
    this.#putEscape();
    this.#handOn();
    this.#takeSpaces();
  }

  #takeSpaces(): void {
    for (const spaces of this.#spaces.drain()) this.#take(spaces);
  }

  /** Hands on what was decoded of a text, and holds back the spaces at its end. */
  #handOn(): void {
    const end = this.#used - this.#spacesUsed;
    if (end > 0) this.#take(this.#decoded.subarray(0, end));
    this.#spaces.append(this.#decoded.subarray(end, this.#used));
    [this.#used, this.#spacesUsed] = [0, 0];
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
