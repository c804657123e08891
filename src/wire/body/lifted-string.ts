import type { Result } from "#domain/result.ts";
import type { PictureTextFault, PictureTextReader } from "./data-uri.ts";
import type { GrowingFile } from "./growing-file.ts";
import { unitsIn } from "./utf8.ts";

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const QUESTION_MARK = 0x3f;

/** What an escape of one letter stands for. Source: RFC 8259 section 7. */
const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': 0x22, "\\": 0x5c, "/": 0x2f, b: 8, f: 12, n: 10, r: 13, t: 9 }).map(
    ([letter, byte]) => [letter.charCodeAt(0), byte],
  ),
);

/** How much is handed on to the picture's reader in one go. */
const GATHERED_BYTES: number = 16 * 1024;

/** A string of a JSON body that is read as a picture while it arrives. */
export class LiftedString {
  /** What stands for it in the text, behind its beginning. */
  readonly mark: string;
  readonly #picture: Pick<PictureTextReader, "write" | "end">;
  /** Characters that arrived, as they were sent. */
  #units = 0;
  #escape: number[] = [];
  /** What short runs and escapes stand for, handed on together: millions of them would take seconds one by one. */
  readonly #gathered = new Uint8Array(GATHERED_BYTES);
  #gatheredLength = 0;
  /** Begins with the first character that is not ASCII. */
  #utf8: TextDecoder | undefined;
  #isUtf8 = true;
  /** Whether a character may have begun that is not ASCII. */
  #isOpen = false;

  constructor(mark: string, picture: Pick<PictureTextReader, "write" | "end">) {
    this.mark = mark;
    this.#picture = picture;
  }

  /** Whether all of it is UTF-8. */
  get isUtf8(): boolean {
    return this.#isUtf8;
  }

  /** Characters that were read of it, escapes as they stand. */
  get units(): number {
    return this.#units;
  }

  /** Takes more of the string as it stands in the body. Returns the first bytes at which it is no JSON, to be read no further. */
  write(raw: Uint8Array): Uint8Array | undefined {
    const broken = this.#read(raw);
    this.#handOn();
    return broken;
  }

  #read(raw: Uint8Array): Uint8Array | undefined {
    for (let from = 0; from < raw.length; ) {
      if (this.#escape.length > 0) {
        const bad = this.#takeEscape(raw[from]!);
        if (bad !== undefined) return bad;
        from += 1;
        continue;
      }
      if (raw[from] === BACKSLASH) {
        this.#escape = [BACKSLASH];
        from += 1;
        continue;
      }
      const backslash = raw.indexOf(BACKSLASH, from);
      const plain = raw.subarray(from, backslash === -1 ? raw.length : backslash);
      const control = this.#look(plain);
      this.#gather(plain.subarray(0, control));
      if (control < plain.length) return plain.subarray(control, control + 1);
      from += plain.length;
    }
    return undefined;
  }

  /** An escape that was begun and not ended, for the parser to stumble over. */
  get openEscape(): Uint8Array {
    return Uint8Array.from(this.#escape);
  }

  end(): Result<GrowingFile, PictureTextFault> {
    this.#decode(new Uint8Array(), { isEnd: true });
    return this.#picture.end();
  }

  /** Counts characters up to the first control character, which JSON does not allow, and returns where that is. */
  #look(plain: Uint8Array): number {
    let index = 0;
    let isAscii = true;
    for (; index < plain.length; index += 1) {
      const byte = plain[index]!;
      if (byte >= 0x20 && byte < 0x80) continue;
      if (byte < 0x20) break;
      isAscii = false;
    }
    const clean = plain.subarray(0, index);
    if (!isAscii) this.#utf8 ??= new TextDecoder("utf-8", { fatal: true });
    if (!isAscii || this.#isOpen) this.#decode(clean);
    this.#units += isAscii ? clean.length : unitsIn(clean);
    return index;
  }

  /** Behind whole characters ASCII need not be looked at: between millions of escapes that would take seconds. */
  #decode(bytes: Uint8Array, { isEnd } = { isEnd: false }): void {
    if (bytes.length > 0) this.#isOpen = bytes[bytes.length - 1]! >= 0x80;
    if (this.#utf8 === undefined || !this.#isUtf8) return;
    try {
      this.#utf8.decode(bytes, { stream: !isEnd });
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      this.#isUtf8 = false;
    }
  }

  #takeEscape(byte: number): Uint8Array | undefined {
    const isHex = this.#escape[1] === LETTER_U;
    const isGood = isHex ? isHexDigit(byte) : byte === LETTER_U || escapes.has(byte);
    // Any other character would be as bad; this one is whole in one byte.
    if (!isGood) return Uint8Array.of(...this.#escape.splice(0), Math.min(byte, QUESTION_MARK));
    this.#escape.push(byte);
    if (byte === LETTER_U && !isHex) return undefined;
    if (isHex && this.#escape.length < 6) return undefined;
    const raw = Uint8Array.from(this.#escape.splice(0));
    this.#units += raw.length;
    if (this.#isOpen) this.#decode(raw);
    this.#gather(isHex ? unitOf(raw) : Uint8Array.of(escapes.get(byte) ?? byte));
    return undefined;
  }

  #gather(bytes: Uint8Array): void {
    if (this.#gatheredLength + bytes.length > GATHERED_BYTES) this.#handOn();
    if (bytes.length > GATHERED_BYTES) this.#picture.write(bytes);
    else {
      this.#gathered.set(bytes, this.#gatheredLength);
      this.#gatheredLength += bytes.length;
    }
  }

  #handOn(): void {
    if (this.#gatheredLength === 0) return;
    this.#picture.write(this.#gathered.subarray(0, this.#gatheredLength));
    this.#gatheredLength = 0;
  }
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

const utf8 = new TextEncoder();

/** What `\uXXXX` stands for. Half of a pair is none of base64 and becomes what stands for no character. */
function unitOf(raw: Uint8Array): Uint8Array {
  const digits = String.fromCharCode(...raw.subarray(2));
  const unit = Number.parseInt(digits, 16);
  return unit < 0x80 ? Uint8Array.of(unit) : utf8.encode(String.fromCharCode(unit));
}
