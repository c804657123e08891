import { GrowingFile } from "./growing-file.ts";

/** A part of a form. */
export interface FormPart {
  readonly name: string;
  /** Whether it was sent as a file, under whatever name. */
  readonly isFile: boolean;
  readonly content: GrowingFile;
}

/** Threat: hundreds of thousands of parts of a few bytes. An answer's form has some twenty fields, four stop texts and eight pictures. */
const MAX_PARTS = 256;

/** Threat: a header without end. What names a part has some hundred bytes. */
const MAX_HEADER_BYTES: number = 8 * 1024;

/** Source: RFC 2046 section 5.1.1. */
const boundaryShape = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

const RETURN = 0x0d;
const [BLANK_LINE, LINE, DASHES] = ["\r\n\r\n", "\r\n", "--"].map((text) => utf8(text)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/**
 * Takes a multipart/form-data body as it arrives, each part once: the runtime's `formData()` has the body, every part of
 * it, and what is read out of the part in memory at once. Written here since the parsers that are kept well hand a part on
 * as a list of the chunks it came in, which forbids to read a body through one window.
 * Source: RFC 7578; WHATWG HTML, "multipart/form-data encoding algorithm".
 */
export class MultipartReader {
  /** What ends a part: a line of two dashes and the boundary. */
  readonly #delimiter: Uint8Array;
  readonly #parts: FormPart[] = [];
  /** What of the body is not taken yet: its first `#length` bytes. */
  #window = new Uint8Array();
  #length = 0;
  #state: "start" | "delimiter" | "header" | "content" | "over" | "broken" = "start";

  /** `boundary`: as the content type names it. */
  constructor(boundary: string) {
    this.#delimiter = utf8(`\r\n--${boundary}`);
    if (!boundaryShape.test(boundary)) this.#state = "broken";
    // So that the first delimiter, which stands at the very beginning, is one like all others.
    this.#add(LINE);
  }

  write(chunk: Uint8Array): void {
    if (this.#state === "over" || this.#state === "broken") return;
    this.#add(chunk);
    let from = 0;
    for (;;) {
      const next = this.#step(this.#window.subarray(from, this.#length));
      if (next === 0) break;
      from += next;
    }
    this.#window.copyWithin(0, from, this.#length);
    this.#length -= from;
  }

  /** The parts in their order; undefined where the body is no well-formed form. */
  end(): readonly FormPart[] | undefined {
    return this.#state === "over" ? this.#parts : undefined;
  }

  #add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#window.length) {
      const window = new Uint8Array(length + MAX_HEADER_BYTES);
      window.set(this.#window.subarray(0, this.#length));
      this.#window = window;
    }
    this.#window.set(chunk, this.#length);
    this.#length = length;
  }

  /** Takes what can be taken and returns how many bytes that were; 0 where more must come first. */
  #step(bytes: Uint8Array): number {
    switch (this.#state) {
      case "start":
        return this.#start(bytes);
      case "delimiter":
        return this.#afterDelimiter(bytes);
      case "header":
        return this.#header(bytes);
      case "content":
        return this.#content(bytes);
      case "over":
      case "broken":
        return 0;
      default:
        return this.#state satisfies never;
    }
  }

  #start(bytes: Uint8Array): number {
    // Some senders begin with an empty line.
    const from = isAt(bytes, 0, BLANK_LINE) ? LINE.length : 0;
    if (bytes.length < from + this.#delimiter.length) return 0;
    if (!isAt(bytes, from, this.#delimiter)) return this.#break();
    this.#state = "delimiter";
    return from + this.#delimiter.length;
  }

  #afterDelimiter(bytes: Uint8Array): number {
    if (bytes.length < DASHES.length) return 0;
    if (isAt(bytes, 0, DASHES)) {
      this.#state = "over";
      return DASHES.length;
    }
    if (!isAt(bytes, 0, LINE) || this.#parts.length === MAX_PARTS) return this.#break();
    this.#state = "header";
    return LINE.length;
  }

  #header(bytes: Uint8Array): number {
    const end = indexOf(bytes, BLANK_LINE);
    if (end === -1) return bytes.length > MAX_HEADER_BYTES ? this.#break() : 0;
    const part = partOf(new TextDecoder().decode(bytes.subarray(0, end)));
    if (part === undefined) return this.#break();
    this.#parts.push({ ...part, content: new GrowingFile() });
    this.#state = "content";
    return end + BLANK_LINE.length;
  }

  #content(bytes: Uint8Array): number {
    const end = indexOf(bytes, this.#delimiter);
    // The last bytes may be a delimiter that has begun.
    const sure = end === -1 ? Math.max(0, bytes.length - this.#delimiter.length + 1) : end;
    this.#parts.at(-1)?.content.append(bytes.subarray(0, sure));
    if (end === -1) return sure;
    this.#state = "delimiter";
    return end + this.#delimiter.length;
  }

  #break(): number {
    this.#state = "broken";
    for (const { content } of this.#parts) content.clear();
    return 0;
  }
}

/** Reads the boundary out of a content type; undefined where it names none. Source: RFC 9110 section 5.6.6. */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]*)"|([^\s;]+))/i.exec(contentType) ?? [];
  return quoted ?? plain;
}

/** What a part's header says of it; undefined where that is no part of a form. */
function partOf(header: string): Pick<FormPart, "name" | "isFile"> | undefined {
  const lines = header.split("\r\n");
  const disposition = lines.find((line) => /^content-disposition:\s*form-data\s*;/i.test(line));
  const name = /;\s*name=(?:"((?:\\"|[^"])*)"|([^\s;"]+))/i.exec(disposition ?? "");
  if (disposition === undefined || name === null) return undefined;
  // Quotes and line breaks in a name: browsers write %22, curl a backslash before quotes.
  const plain = (name[1] ?? name[2] ?? "")
    .replaceAll('\\"', '"')
    .replace(/%(22|0D|0A)/gi, (code) => decodeURIComponent(code));
  return { name: plain, isFile: /;\s*filename\*?=/i.test(disposition) };
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let from = 0; ; from += 1) {
    from = bytes.indexOf(RETURN, from);
    if (from === -1 || from + wanted.length > bytes.length) return -1;
    if (isAt(bytes, from, wanted)) return from;
  }
}

function isAt(bytes: Uint8Array, from: number, wanted: Uint8Array): boolean {
  if (from + wanted.length > bytes.length) return false;
  for (let index = 0; index < wanted.length; index += 1)
    if (bytes[from + index] !== wanted[index]) return false;
  return true;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
