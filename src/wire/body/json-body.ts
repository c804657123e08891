import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import { MAX_IMAGE_BYTES } from "../limits.ts";
import { type PictureTextFault, PictureTextReader, readPictureText } from "./data-uri.ts";
import { GrowingFile } from "./growing-file.ts";
import { LiftedString } from "./lifted-string.ts";
import { NOT_UTF8, parseJson, refuseBody } from "./parse-json.ts";
import { unitsIn } from "./utf8.ts";

/**
 * Bytes of a string, escapes as they stand, from which on it is looked whether it can be more than a picture: 64 KiB is twice
 * the longest text that any field takes (`MAX_TEXT_BYTES`), and little beside what else a request has in memory.
 */
const LIFTED_FROM_BYTES: number = 64 * 1024;

/**
 * How much of such a string stays where it was, an escape counted as the one byte that it stands for at least: more than any
 * field but a picture's takes, so that all others refuse it as before. A text may be written in six times the bytes it has.
 */
const KEPT_BYTES: number = 33 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** A JSON body that has arrived. Its long strings were read as pictures on the way and are no part of its text any more. */
export interface JsonBody {
  /** Parses the text. Refuses with `invalid_request` about the whole body, naming places of the body as it was sent. */
  parse(): Result<unknown, Failure>;
  /** Reads the picture that stands as text in a string of the parsed value. */
  picture(text: string): Result<GrowingFile, PictureTextFault>;
}

/**
 * Takes a JSON body as it arrives. A near-limit picture would otherwise exist as the body's bytes, as its text, as a string
 * of the parsed value, without its white space, as what `atob` makes of it, and as bytes again: six times 14 MB.
 */
export class JsonBodyReader {
  readonly #text = new GrowingFile();
  readonly #lifted: Lifted[] = [];
  readonly #nonce: string = crypto.randomUUID();
  readonly #limits: { readonly liftedFrom: number; readonly kept: number };
  #state: "between" | "string" | "lifted" | "broken" = "between";
  /** The string under way, as long as it may still be a short one. */
  #string = new GrowingFile();
  /** At how many bytes it is looked next whether that is so. */
  #lookedAt: number;
  /** Whether the last byte of the string was a backslash that escapes the next. */
  #isEscaping = false;

  /** `limits`: for tests, which need not send 64 KiB for each string. */
  constructor(
    limits: { readonly liftedFrom: number; readonly kept: number } = {
      liftedFrom: LIFTED_FROM_BYTES,
      kept: KEPT_BYTES,
    },
  ) {
    this.#limits = limits;
    this.#lookedAt = limits.liftedFrom;
  }

  write(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      switch (this.#state) {
        case "between":
          from = this.#between(chunk, from);
          break;
        case "string":
        case "lifted":
          from = this.#inString(chunk, from);
          break;
        case "broken":
          return;
        default:
          this.#state satisfies never;
      }
    }
  }

  end(): JsonBody {
    this.#keepString();
    const last = this.#lifted.at(-1);
    if (this.#state === "lifted" && last !== undefined) this.#text.append(last.string.openEscape);
    const text = this.#text.toBytes();
    this.#text.clear();
    const pictures = new Map(this.#lifted.map(({ string }) => [string.mark, string.end()]));
    const isText = this.#lifted.every(({ string }) => string.isUtf8);
    const markLength = last?.string.mark.length ?? 0;
    return {
      parse: () =>
        isText
          ? parseJson(text, (character) => this.#placeOf(character, text))
          : refuseBody(NOT_UTF8),
      picture: (string) =>
        (markLength === 0 ? undefined : pictures.get(string.slice(-markLength))) ??
        readPictureText(string, MAX_IMAGE_BYTES),
    };
  }

  /** Where a character of the text stands in the body as it was sent. */
  #placeOf(character: number, text: Uint8Array): number {
    let [place, counted, from] = [character, 0, 0];
    for (const { string, keptFrom, markAt } of this.#lifted) {
      counted += unitsIn(text.subarray(from, keptFrom));
      const kept = unitsIn(text.subarray(keptFrom, markAt));
      counted += kept + string.mark.length;
      from = markAt + string.mark.length;
      if (character < counted) break;
      place += string.units - kept - string.mark.length;
    }
    return place;
  }

  #between(chunk: Uint8Array, from: number): number {
    const quote = chunk.indexOf(QUOTE, from);
    const end = quote === -1 ? chunk.length : quote + 1;
    this.#text.append(chunk.subarray(from, end));
    if (quote !== -1) this.#state = "string";
    return end;
  }

  /** Takes what of the string is in this chunk, its closing quote included. */
  #inString(chunk: Uint8Array, from: number): number {
    const close = this.#closingQuote(chunk, from);
    const end = close === -1 ? chunk.length : close;
    const part = chunk.subarray(from, end);
    if (this.#state === "string") this.#takeShort(part, close !== -1);
    else this.#takeLifted(part);
    if (close === -1 || this.#state === "broken") return end;
    this.#keepString();
    const last = this.#lifted.at(-1);
    if (this.#state === "lifted" && last !== undefined) this.#text.append(last.string.openEscape);
    this.#text.append(chunk.subarray(close, close + 1));
    this.#state = "between";
    return close + 1;
  }

  #takeShort(part: Uint8Array, isEnd: boolean): void {
    const length = this.#string.byteLength + part.length;
    if (length <= this.#lookedAt) {
      // What begins and ends in one chunk, as nearly all do, goes where it belongs at once.
      if (isEnd && this.#string.byteLength === 0) this.#text.append(part);
      else this.#string.append(part);
      return;
    }
    const room = this.#lookedAt - this.#string.byteLength;
    this.#string.append(part.subarray(0, room));
    const begun = this.#string.toBytes();
    const kept = keepable(begun, this.#limits.kept);
    if (kept === undefined) {
      this.#lookedAt *= 2;
      this.#takeShort(part.subarray(room), isEnd);
    } else {
      this.#lift(begun, kept);
      this.#takeLifted(part.subarray(room));
    }
  }

  /** From here on the string is read as a picture; its beginning stays, with a mark behind it that nobody can guess. */
  #lift(begun: Uint8Array, kept: number): void {
    this.#string.clear();
    const keptFrom = this.#text.byteLength;
    this.#text.append(begun.subarray(0, kept));
    const markAt = this.#text.byteLength;
    const mark = ` ${this.#nonce} ${String(this.#lifted.length).padStart(6, "0")}`;
    this.#text.append(new TextEncoder().encode(mark));
    const string = new LiftedString(mark, new PictureTextReader(MAX_IMAGE_BYTES));
    this.#lifted.push({ string, keptFrom, markAt });
    this.#state = "lifted";
    this.#takeLifted(begun);
  }

  #takeLifted(part: Uint8Array): void {
    if (this.#state === "broken") return;
    const broken = this.#lifted.at(-1)?.string.write(part);
    if (broken === undefined) return;
    // No JSON: the parser is to stumble over it too, where it stands.
    this.#text.append(broken);
    this.#state = "broken";
  }

  #keepString(): void {
    for (const piece of this.#string.drain()) this.#text.append(piece);
    this.#lookedAt = this.#limits.liftedFrom;
  }

  /** Where the string ends in this chunk; -1 where it goes on. */
  #closingQuote(chunk: Uint8Array, from: number): number {
    for (let index = from; ; ) {
      if (this.#isEscaping && index < chunk.length) {
        this.#isEscaping = false;
        index += 1;
      }
      const quote = chunk.indexOf(QUOTE, index);
      const end = quote === -1 ? chunk.length : quote;
      let backslashes = 0;
      while (end - 1 - backslashes >= index && chunk[end - 1 - backslashes] === BACKSLASH)
        backslashes += 1;
      const isEscaped = backslashes % 2 === 1;
      if (quote !== -1 && !isEscaped) return quote;
      if (quote === -1) {
        this.#isEscaping ||= isEscaped;
        return -1;
      }
      index = quote + 1;
    }
  }
}

/** A lifted string, and where in the text what stayed of it and its mark begin. */
interface Lifted {
  readonly string: LiftedString;
  readonly keptFrom: number;
  readonly markAt: number;
}

/**
 * How much of a string's beginning stands for `limit` bytes or more, the fewest without cutting an escape or a character in
 * two; undefined where all of it may stand for less.
 */
function keepable(raw: Uint8Array, limit: number): number | undefined {
  let [end, least] = [0, 0];
  for (; least < limit && end < raw.length; least += 1)
    end += raw[end] !== BACKSLASH ? 1 : raw[end + 1] === LETTER_U ? 6 : 2;
  while (end < raw.length && ((raw[end] ?? 0) & 0xc0) === 0x80) end += 1;
  return end < raw.length ? end : undefined;
}
