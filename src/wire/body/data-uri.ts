import { ok, type Result, refuse } from "#domain/result.ts";
import { type Base64End, Base64Reader } from "./base64-reader.ts";
import { GrowingFile } from "./growing-file.ts";
import { PercentReader } from "./percent-reader.ts";

/** What is wrong with a text that should be a picture. */
export interface PictureTextFault {
  /** A sentence's end about this very text, to stand behind the name of its field. */
  readonly message: string;
  /** Whether it is a picture like any other and only stands for too many bytes. */
  readonly isTooLarge: boolean;
}

/** Threat: a head without end that is kept until its comma comes. Media types with all their parameters have some hundred bytes. */
const MAX_HEAD_BYTES: number = 64 * 1024;

const [COMMA, FRAGMENT, SPACE] = [0x2c, 0x23, 0x20] as const;

/**
 * Reads the bytes of a picture that was written as text, as it arrives: a data URI, or base64 alone. The media type is not
 * believed; the bytes say what they are.
 *
 * Source of the URI's form: WHATWG Fetch, "data: URL processor"; of base64: WHATWG Infra, "forgiving-base64 decode". The
 * URL-safe alphabet of RFC 4648 section 5 is read too.
 */
export class PictureTextReader {
  readonly #maxBytes: number;
  /** What came before it is known what the rest is. */
  readonly #head = new GrowingFile();
  #rest: Rest | undefined;

  /** @param maxBytes the most bytes that it may stand for */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes more of the text, as UTF-8. */
  write(text: Uint8Array): void {
    if (this.#rest === undefined) {
      this.#head.append(text);
      this.#begin(false);
    } else this.#rest.write(text);
  }

  end(): Result<GrowingFile, PictureTextFault> {
    if (this.#rest === undefined) this.#begin(true);
    return this.#rest?.end() ?? unreadable("is empty");
  }

  /** Looks what the text is, as soon as enough of it is there. */
  #begin(isEnd: boolean): void {
    const head = this.#head.toBytes();
    const start = head.findIndex((byte) => byte > SPACE);
    const isShort = start === -1 || head.length - start < SCHEME_BYTES;
    if (isShort && !isEnd && head.length < MAX_HEAD_BYTES) return;
    const begun = new TextDecoder().decode(head.subarray(Math.max(0, start), start + SCHEME_BYTES));
    if (/^data:/i.test(begun)) {
      this.#beginUri(head, start + "data:".length, isEnd);
      return;
    }
    if (/^https?:/i.test(begun)) this.#rest = failing(ADDRESS);
    else {
      const base64 = new Base64Reader(this.#maxBytes);
      this.#rest = {
        write: (text) => base64.write(text),
        end: () => fileOf(base64.end(), this.#maxBytes),
      };
    }
    this.#handOn(head);
  }

  #beginUri(head: Uint8Array, from: number, isEnd: boolean): void {
    const end = head.findIndex(
      (byte, index) => index >= from && (byte === COMMA || byte === FRAGMENT),
    );
    if (end === -1 && !isEnd && head.length < MAX_HEAD_BYTES) return;
    if (head[end] !== COMMA) this.#rest = failing(NO_COMMA);
    else {
      const type = new TextDecoder().decode(head.subarray(from, end)).replace(/[\t\n\r]/g, "");
      const isBase64 = /; *base64\s*$/i.test(type);
      this.#rest = isBase64 ? base64Body(this.#maxBytes) : plainBody(this.#maxBytes);
    }
    this.#handOn(head.subarray(end + 1));
  }

  #handOn(text: Uint8Array): void {
    this.#head.clear();
    this.#rest?.write(text);
  }
}

/** As `PictureTextReader`, of a text that is there. */
export function readPictureText(
  text: string,
  maxBytes: number,
): Result<GrowingFile, PictureTextFault> {
  const reader = new PictureTextReader(maxBytes);
  reader.write(new TextEncoder().encode(text));
  return reader.end();
}

/** Says whether a text is a data URI, whatever is wrong with it. Source: WHATWG URL, which ignores spaces and control characters in front, and case. */
export function isDataUri(text: string): boolean {
  let start = 0;
  while (start < text.length && text.charCodeAt(start) <= SPACE) start += 1;
  return text.slice(start, start + 5).toLowerCase() === "data:";
}

/** Letters of the longest scheme that is told apart, with its colon. */
const SCHEME_BYTES = "https:".length;

const ADDRESS = "is an address; where a file is expected, send its bytes as base64 or a data URI";
const NO_COMMA = "is a data URI without a comma; its form is data:image/png;base64,…";

/** What reads the text once it is known what it is. */
interface Rest {
  write(text: Uint8Array): void;
  end(): Result<GrowingFile, PictureTextFault>;
}

function failing(message: string): Rest {
  return { write: () => undefined, end: () => unreadable(message) };
}

function base64Body(maxBytes: number): Rest {
  const base64 = new Base64Reader(maxBytes);
  const uri = new PercentReader((bytes) => base64.write(bytes), { keepsSpaces: true });
  return {
    write: (text) => uri.write(text),
    end: () => {
      uri.end();
      return fileOf(base64.end(), maxBytes);
    },
  };
}

function plainBody(maxBytes: number): Rest {
  const file = new GrowingFile();
  let size = 0;
  const take = (bytes: Uint8Array): void => {
    size += bytes.length;
    if (size <= maxBytes) file.append(bytes);
    else file.clear();
  };
  const uri = new PercentReader(take, { keepsSpaces: false });
  return {
    write: (text) => uri.write(text),
    end: () => {
      uri.end();
      return size === 0 || size > maxBytes ? wrongSize(size, maxBytes) : ok(file);
    },
  };
}

function fileOf(end: Base64End, maxBytes: number): Result<GrowingFile, PictureTextFault> {
  switch (end.kind) {
    case "file":
      return ok(end.file);
    case "size":
      return wrongSize(end.bytes, maxBytes);
    case "fault":
      return unreadable(end.message);
    default:
      return end satisfies never;
  }
}

function unreadable(message: string): Result<never, PictureTextFault> {
  return refuse({ message, isTooLarge: false });
}

function wrongSize(size: number, maxBytes: number): Result<never, PictureTextFault> {
  return size === 0
    ? unreadable("is empty")
    : refuse({ message: `has ${size} bytes; ${maxBytes} are the most`, isTooLarge: true });
}
