import { ascii, concat, jpeg, png, u32 } from "./image-files.ts";

/** A file with a name that says what is odd about it. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function named(name: string, bytes: Iterable<number>): NamedFile {
  return { name, bytes: Uint8Array.from(bytes) };
}

/** Files that claim what they are not, made from headers alone. */
export function forgeries(): NamedFile[] {
  const animation: [string, Uint8Array] = ["acTL", concat(u32(3), u32(0))];
  return [
    named("nothing", []),
    named("one byte", [0x89]),
    named("text", ascii("not a picture at all")),
    named(
      "script",
      ascii("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    ),
    named("png bomb", png(60_000, 60_000)),
    named("png of the largest size", png(0x7fff_ffff, 0x7fff_ffff)),
    named("png 0 x 0", png(0, 0)),
    named("png 0 x 5", png(0, 5)),
    named("png 1 x 1 without pixels", png(1, 1)),
    named("apng", png(8, 8, [animation])),
    named("jpeg 0 x 0", jpeg(0, 0)),
    named("jpeg of the largest size", jpeg(65_535, 65_535)),
    named("jpeg of a thin line", jpeg(65_535, 1)),
    named("jpeg without pixels", jpeg(8, 8)),
    named("png signature, jpeg body", concat(png(8, 8).subarray(0, 8), jpeg(8, 8))),
    named("riff without webp", concat(ascii("RIFF"), [4, 0, 0, 0], ascii("WAVE"))),
    named("gif of no size", concat(ascii("GIF89a"), [0, 0, 0, 0, 0, 0, 0, 0x3b])),
    named("bmp", concat(ascii("BM"), u32(100))),
    named("pdf", ascii("%PDF-1.7\n%%EOF")),
  ];
}
