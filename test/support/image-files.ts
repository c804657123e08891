/** Files by hand: valid up to the pixels, which are missing. Enough for whoever reads headers. */

type Bytes = Uint8Array | readonly number[];

export function concat(...parts: Bytes[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Big-endian, as PNG and JPEG have it. */
export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Big-endian. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

/** A TIFF structure with one entry: the orientation. */
export function exif(orientation: number, order: "little" | "big" = "little"): Uint8Array {
  const short = (value: number) => (order === "big" ? u16(value) : u16(value).reverse());
  const long = (value: number) => (order === "big" ? u32(value) : u32(value).reverse());
  return concat(
    ascii(order === "big" ? "MM" : "II"),
    short(42),
    long(8),
    short(1),
    ...[short(0x0112), short(3), long(1), short(orientation), short(0)],
    long(0),
  );
}

/** SOI, the given segments, an EXIF segment where an orientation is given, a baseline frame header, SOS. */
export function jpeg(
  width: number,
  height: number,
  { orientation, before = [] }: { orientation?: number; before?: readonly Bytes[] } = {},
): Uint8Array {
  const metadata = orientation === undefined ? [] : concat(ascii("Exif\0\0"), exif(orientation));
  return concat(
    [0xff, 0xd8],
    ...before,
    metadata.length === 0 ? [] : concat([0xff, 0xe1], u16(metadata.length + 2), metadata),
    [0xff, 0xc0, 0, 17, 8],
    ...[u16(height), u16(width)],
    [3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
    [0xff, 0xda, 0, 2],
  );
}

/** Signature, IHDR, the given chunks, IEND; checksums are 0. */
export function png(
  width: number,
  height: number,
  chunks: readonly [type: string, body: Uint8Array][] = [],
): Uint8Array {
  const header: [string, Uint8Array] = ["IHDR", concat(u32(width), u32(height), [8, 2, 0, 0, 0])];
  const end: [string, Uint8Array] = ["IEND", new Uint8Array()];
  return concat(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...[header, ...chunks, end].map(([type, body]) =>
      concat(u32(body.length), ascii(type), body, u32(0)),
    ),
  );
}

/** An extended WebP with the given chunks behind its VP8X, which announces EXIF and animation where they follow. */
export function webp(
  width: number,
  height: number,
  chunks: readonly [type: string, body: Uint8Array][] = [],
): Uint8Array {
  const size = [width - 1, height - 1].flatMap((side) => [
    side & 255,
    (side >> 8) & 255,
    side >> 16,
  ]);
  const has = (type: string): boolean => chunks.some(([other]) => other === type);
  const flags = (has("EXIF") ? 8 : 0) | (has("ANMF") ? 2 : 0);
  const extended: [string, Uint8Array] = ["VP8X", concat([flags, 0, 0, 0], size)];
  const body = [extended, ...chunks].map(([type, content]) => riffChunk(type, content));
  const container = concat(ascii("WEBP"), ...body);
  return concat(ascii("RIFF"), u32(container.length).toReversed(), container);
}

/** A chunk of a WebP, padded to an even length. */
export function riffChunk(type: string, body: Uint8Array): Uint8Array {
  const size = u32(body.length).toReversed();
  return concat(ascii(type), size, body, body.length % 2 === 1 ? [0] : []);
}

/** A GIF89a of so many pictures, as large as the screen or as told, each with a control extension and one sub-block of bytes. */
export function gif(
  width: number,
  height: number,
  frames: number,
  frameSize: readonly [width: number, height: number] = [width, height],
): Uint8Array {
  const little = (value: number): number[] => [value & 255, value >> 8];
  const frame = concat(
    [0x21, 0xf9, 4, 0, 0, 0, 0, 0],
    [0x2c, 0, 0, 0, 0, ...frameSize.flatMap(little), 0, 2],
    [2, 0x4c, 1, 0],
  );
  const table = [0x80, 0, 0, ...new Uint8Array(6)];
  const screen = [width, height].flatMap(little);
  return concat(ascii("GIF89a"), screen, table, ...Array<Uint8Array>(frames).fill(frame), [0x3b]);
}
