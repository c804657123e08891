import type { ByteView } from "#domain/image/byte-view.ts";

/** A picture of a few KB takes one piece of its size's order; a large one is never copied to make room for the rest of it. */
const FIRST_PIECE_BYTES: number = 4 * 1024;
const MAX_PIECE_BYTES: number = 256 * 1024;

/**
 * A file that grows as it arrives, in pieces that stay where they are: at no time are there two copies of it, and it is let
 * go of piece by piece as it travels on. It can be looked at by offset meanwhile, as its header's readers do.
 */
export class GrowingFile implements ByteView {
  /** Each full but the last. */
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  /** Offset of each piece's first byte. */
  #starts: number[] = [];
  #byteLength = 0;
  /** The piece that was looked into last: readers go through a file in order. */
  #near = 0;

  /** A file of these bytes. */
  static of(bytes: Uint8Array): GrowingFile {
    const file = new GrowingFile();
    file.append(bytes);
    return file;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Copies bytes behind those that are there; whose they were may use their memory again. */
  append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const [piece, used] = this.#roomFor(bytes.length - from);
      const part = bytes.subarray(from, from + piece.length - used);
      piece.set(part, used);
      from += part.length;
      this.#byteLength += part.length;
    }
  }

  /** The piece that is filled next, and how much of it is full. */
  #roomFor(wanted: number): readonly [piece: Uint8Array<ArrayBuffer>, used: number] {
    const [last, start] = [this.#pieces.at(-1), this.#starts.at(-1) ?? 0];
    if (last !== undefined && start + last.length > this.#byteLength)
      return [last, this.#byteLength - start];
    const usual = Math.max(FIRST_PIECE_BYTES, Math.min(this.#byteLength, MAX_PIECE_BYTES));
    const piece = new Uint8Array(Math.min(MAX_PIECE_BYTES, Math.max(usual, wanted)));
    this.#pieces.push(piece);
    this.#starts.push(this.#byteLength);
    return [piece, 0];
  }

  /** The bytes in order, to be looked at. */
  *pieces(): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (const [index, piece] of this.#pieces.entries())
      yield piece.subarray(0, this.#byteLength - (this.#starts[index] ?? 0));
  }

  /** The bytes in order, each piece freed once the next is asked for: the file is gone with the last. */
  *drain(): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    try {
      for (const piece of this.pieces()) {
        yield piece;
        free(piece);
      }
    } finally {
      this.clear();
    }
  }

  /** Frees it, without waiting for the garbage collector: of external memory it takes its time. */
  clear(): void {
    for (const piece of this.#pieces) free(piece);
    this.#pieces = [];
    this.#starts = [];
    this.#byteLength = 0;
  }

  /** A copy in one piece. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#byteLength);
    let offset = 0;
    for (const piece of this.pieces()) {
      bytes.set(piece, offset);
      offset += piece.length;
    }
    return bytes;
  }

  getUint8(offset: number): number {
    if (!(offset >= 0 && offset < this.#byteLength))
      throw new RangeError(`offset ${offset} is outside a file of ${this.#byteLength} bytes`);
    while (offset < (this.#starts[this.#near] ?? 0)) this.#near -= 1;
    while (offset >= (this.#starts[this.#near + 1] ?? Number.POSITIVE_INFINITY)) this.#near += 1;
    return this.#pieces[this.#near]![offset - (this.#starts[this.#near] ?? 0)]!;
  }

  getUint16(offset: number, isLittle = false): number {
    return this.#around(offset, 2).getUint16(0, isLittle);
  }

  getUint32(offset: number, isLittle = false): number {
    return this.#around(offset, 4).getUint32(0, isLittle);
  }

  getInt32(offset: number, isLittle = false): number {
    return this.#around(offset, 4).getInt32(0, isLittle);
  }

  getBigUint64(offset: number, isLittle = false): bigint {
    return this.#around(offset, 8).getBigUint64(0, isLittle);
  }

  #around(offset: number, length: number): DataView {
    const bytes = Uint8Array.from({ length }, (_, index) => this.getUint8(offset + index));
    return new DataView(bytes.buffer);
  }
}

function free({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (!buffer.detached) buffer.transfer(0);
}
