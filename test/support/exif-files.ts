import { crc32 } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { type NamedFile, named } from "./forgeries.ts";
import { ascii, concat, riffChunk, u16, u32 } from "./image-files.ts";

// Real pictures with EXIF in odd places and of odd shapes: whatever a decoder makes of each, the header's reader must too.

type Order = "little" | "big";

/** One entry of a TIFF directory, as odd as asked for. */
interface Entry {
  readonly tag?: number;
  /** 1 BYTE … 13. */
  readonly type?: number;
  readonly count?: number;
  /** Written as a SHORT (LONG for types of four bytes) into the value field. */
  readonly value: number;
}

interface Tiff {
  readonly order?: Order;
  readonly mark?: string;
  readonly magic?: number;
  readonly directory?: number;
  readonly entries?: readonly Entry[];
  readonly count?: number;
}

const wideTypes: ReadonlySet<number> = new Set([4, 9, 13]);

/** A TIFF structure whose first directory holds the entries. */
export function tiff({ order = "little", mark, magic = 42, directory, entries, count }: Tiff) {
  const isBig = order === "big";
  const short = (value: number) => (isBig ? u16(value) : u16(value).toReversed());
  const long = (value: number) => (isBig ? u32(value) : u32(value).toReversed());
  const list = entries ?? [{ value: 6 }];
  return concat(
    ascii(mark ?? (isBig ? "MM" : "II")),
    short(magic),
    long(directory ?? 8),
    short(count ?? list.length),
    ...list.map(({ tag = 0x0112, type = 3, count: values = 1, value }) =>
      concat(
        short(tag),
        short(type),
        long(values),
        ...(wideTypes.has(type)
          ? [long(value)]
          : type === 1 || type === 7 || type === 6 || type === 2
            ? [[value & 255, 0, 0, 0]]
            : [short(value), short(0)]),
      ),
    ),
    long(0),
  );
}

const prefix = ascii("Exif\0\0");

/** Every odd shape of the structure itself. */
function shapes(): [name: string, structure: Uint8Array][] {
  const orders: Order[] = ["little", "big"];
  const types = Array.from({ length: 15 }, (_, type) => type);
  return [
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 65_535].flatMap((value) =>
      orders.map((order): [string, Uint8Array] => [
        `${order} ${value}`,
        tiff({ order, entries: [{ value }] }),
      ]),
    ),
    ...types.flatMap((type) =>
      orders.map((order): [string, Uint8Array] => [
        `${order} of type ${type}`,
        tiff({ order, entries: [{ type, value: 6 }] }),
      ]),
    ),
    ["a long of 65,542", tiff({ entries: [{ type: 4, value: 65_542 }] })],
    ["a signed long of -1", tiff({ entries: [{ type: 9, value: 0xffff_ffff }] })],
    ...[0, 2, 3, 9, 10, 70_000, 0xffff_ffff].map((count): [string, Uint8Array] => [
      `${count} shorts`,
      tiff({ entries: [{ count, value: 6 }] }),
    ]),
    ["no magic", tiff({ magic: 0 })],
    ["magic of BigTIFF", tiff({ magic: 43 })],
    ["magic the wrong way round", tiff({ magic: 0x2a00 })],
    ["no byte order", tiff({ mark: "XX" })],
    ["directory beyond the end", tiff({ directory: 4_000 })],
    ["directory at the largest offset", tiff({ directory: 0xffff_ffff })],
    ["directory in the header", tiff({ directory: 0 })],
    ["more entries than there are", tiff({ count: 65_535 })],
    ["no entries", tiff({ count: 0 })],
    ["two orientations", tiff({ entries: [{ value: 6 }, { value: 3 }] })],
    ["an empty one first", tiff({ entries: [{ count: 0, value: 6 }, { value: 3 }] })],
    ["one of no type first", tiff({ entries: [{ type: 0, value: 6 }, { value: 3 }] })],
    ["one of an odd type first", tiff({ entries: [{ type: 7, value: 6 }, { value: 3 }] })],
    ["one out of range first", tiff({ entries: [{ value: 9 }, { value: 3 }] })],
    ["other entries first", tiff({ entries: [{ tag: 0x0100, value: 1 }, { value: 8 }] })],
    [
      "300 other entries first",
      tiff({ entries: [...Array<Entry>(300).fill({ tag: 0x0110, value: 1 }), { value: 8 }] }),
    ],
    ["cut in its entry", tiff({}).subarray(0, 16)],
    ["cut behind its entry", tiff({}).subarray(0, 22)],
    ["cut in its header", tiff({}).subarray(0, 7)],
    ["nothing", new Uint8Array()],
  ];
}

const six = tiff({ entries: [{ value: 6 }] });
const three = tiff({ order: "big", entries: [{ value: 3 }] });
const broken = tiff({ magic: 0 });

/** A picture in which every corner differs, so that no turn looks like another. */
export function corners(): Sharp {
  const pixels = Uint8Array.from({ length: 24 * 16 * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % 24, Math.floor(at / 72)];
    return [x * 10, y * 15, x < 12 && y < 8 ? 255 : 0][at % 3]!;
  });
  return sharp(pixels, { raw: { width: 24, height: 16, channels: 3 } });
}

function app1(body: Uint8Array): Uint8Array {
  return concat([0xff, 0xe1], u16(body.length + 2), body);
}

function exifSegment(structure: Uint8Array): Uint8Array {
  return app1(concat(prefix, structure));
}

async function jpegFiles(): Promise<NamedFile[]> {
  const plain = Uint8Array.from(await corners().jpeg().toBuffer());
  const at = (marker: number): number => {
    for (let offset = 2; ; offset += 2 + ((plain[offset + 2]! << 8) | plain[offset + 3]!))
      if (plain[offset + 1] === marker) return offset;
  };
  const put = (offset: number, ...segments: Uint8Array[]): Uint8Array =>
    concat(plain.subarray(0, offset), ...segments, plain.subarray(offset));
  const [frame, scan, end] = [at(0xc0), at(0xda), plain.length - 2];
  const segment = exifSegment(six);
  return [
    ...shapes().map(([name, structure]) => named(`jpeg ${name}`, put(2, exifSegment(structure)))),
    named("jpeg before its frame", put(frame, segment)),
    named("jpeg behind its frame", put(scan, segment)),
    named("jpeg behind its scan", put(end, segment)),
    named("jpeg behind its end", put(plain.length, segment)),
    named("jpeg six then three", put(2, segment, exifSegment(three))),
    named("jpeg three then six", put(2, exifSegment(three), segment)),
    named("jpeg six then broken", put(2, segment, exifSegment(broken))),
    named("jpeg broken then six", put(2, exifSegment(broken), segment)),
    named("jpeg six then nothing", put(2, segment, exifSegment(new Uint8Array()))),
    named("jpeg three then six behind the frame", put(scan, exifSegment(three), segment)),
    named("jpeg nothing then six", put(2, exifSegment(new Uint8Array()), segment)),
    named(
      "jpeg another prefix then six",
      put(2, app1(concat(ascii("Exif\0\x01"), three)), segment),
    ),
    named("jpeg four letters then six", put(2, app1(ascii("Exif")), segment)),
    named("jpeg six then XMP", put(2, segment, app1(ascii("http://ns.adobe.com/xap/1.0/\0<x/>")))),
    named("jpeg six then XMP named Exif", put(2, segment, app1(ascii("Exif\0\0http://")))),
    named("jpeg lower-case prefix", put(2, app1(concat(ascii("exif\0\0"), six)))),
    named("jpeg prefix of another end", put(2, app1(concat(ascii("Exif\0\x01"), six)))),
    named("jpeg prefix of one zero", put(2, app1(concat(ascii("Exif\0"), six)))),
    named("jpeg in APP2", put(2, concat([0xff, 0xe2], segment.subarray(2)))),
    named("jpeg split in two", put(2, exifSegment(six.subarray(0, 12)), app1(six.subarray(12)))),
  ];
}

/** A chunk of a PNG with its checksum. */
export function pngChunk(type: string, body: Uint8Array): Uint8Array {
  const named = concat(ascii(type), body);
  return concat(u32(body.length), named, u32(crc32(named)));
}

async function pngFiles(): Promise<NamedFile[]> {
  const plain = Uint8Array.from(await corners().png().toBuffer());
  const data = Buffer.from(plain).indexOf("IDAT") - 4;
  const end = plain.length - 12;
  const put = (offset: number, ...chunks: Uint8Array[]): Uint8Array =>
    concat(plain.subarray(0, offset), ...chunks, plain.subarray(offset));
  const chunk = pngChunk("eXIf", six);
  const profile = [...concat(prefix, six)].map((byte) => byte.toString(16).padStart(2, "0"));
  const text = `Raw profile type exif\0\nexif\n${profile.length}\n${profile.join("")}`;
  const wrong = Uint8Array.from(chunk);
  wrong[wrong.length - 1]! ^= 1;
  return [
    ...shapes().map(([name, structure]) =>
      named(`png ${name}`, put(33, pngChunk("eXIf", structure))),
    ),
    named("png before its pixels", put(data, chunk)),
    named("png behind its pixels", put(end, chunk)),
    named("png behind its end", put(plain.length, chunk)),
    named("png six then three", put(33, chunk, pngChunk("eXIf", three))),
    named("png broken then six", put(33, pngChunk("eXIf", broken), chunk)),
    named("png nothing then six", put(33, pngChunk("eXIf", new Uint8Array()), chunk)),
    named(
      "png six, three behind the pixels",
      concat(
        put(33, chunk).subarray(0, end + chunk.length),
        pngChunk("eXIf", three),
        plain.subarray(end),
      ),
    ),
    named("png with JPEG's prefix", put(33, pngChunk("eXIf", concat(prefix, six)))),
    named("png with a wrong checksum", put(33, wrong)),
    named("png as a raw profile", put(33, pngChunk("tEXt", ascii(text)))),
  ];
}

async function webpFiles(): Promise<NamedFile[]> {
  const plain = Uint8Array.from(await corners().webp().toBuffer());
  const pixels = plain.subarray(12);
  const make = (flags: number, ...chunks: Uint8Array[]): Uint8Array => {
    const extended = riffChunk("VP8X", Uint8Array.of(flags, 0, 0, 0, 23, 0, 0, 15, 0, 0));
    const body = concat(ascii("WEBP"), extended, ...chunks);
    return concat(ascii("RIFF"), u32(body.length).toReversed(), body);
  };
  const chunk = riffChunk("EXIF", six);
  const simple = concat(plain, chunk);
  simple.set(u32(simple.length - 8).toReversed(), 4);
  return [
    ...shapes().map(([name, structure]) =>
      named(`webp ${name}`, make(8, pixels, riffChunk("EXIF", structure))),
    ),
    named("webp without its flag", make(0, pixels, chunk)),
    named("webp before its pixels", make(8, chunk, pixels)),
    named("webp six then three", make(8, pixels, chunk, riffChunk("EXIF", three))),
    named("webp before and behind", make(8, chunk, pixels, riffChunk("EXIF", three))),
    named("webp broken then six", make(8, pixels, riffChunk("EXIF", broken), chunk)),
    named("webp nothing then six", make(8, pixels, riffChunk("EXIF", new Uint8Array()), chunk)),
    named(
      "webp with another prefix",
      make(8, pixels, riffChunk("EXIF", concat(ascii("Exif\0\x01"), six))),
    ),
    named("webp with JPEG's prefix", make(8, pixels, riffChunk("EXIF", concat(prefix, six)))),
    named("webp behind its container", concat(make(8, pixels), chunk)),
    named("webp of the simple kind", simple),
    named("webp behind an unknown chunk", make(8, pixels, riffChunk("ABCD", six), chunk)),
  ];
}

/** All of them. */
export async function exifFiles(): Promise<NamedFile[]> {
  return [...(await jpegFiles()), ...(await pngFiles()), ...(await webpFiles())];
}
