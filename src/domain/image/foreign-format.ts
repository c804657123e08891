import type { ByteView } from "./byte-view.ts";

/** Says whether a file is a HEIC or HEIF picture: what iPhones keep photographs as. Source: ISO/IEC 23008-12 §10 (brands). */
export function isHeic(view: ByteView): boolean {
  const head = headOf(view);
  return heicBrands.some((brand) => head.startsWith(`ftyp${brand}`, 4));
}

const heicBrands = "heic heix heim heis hevc hevx hevm hevs mif1 msf1".split(" ");

/**
 * Names the format of a file that is no JPEG, PNG, WebP, GIF, AVIF or HEIC, as far as its first bytes tell, and says what to do;
 * a general sentence where they do not tell.
 */
export function describeForeign(view: ByteView): string {
  const head = headOf(view);
  const known =
    signatures.find(({ at, marks }) => marks.some((mark) => head.startsWith(mark, at))) ??
    texts.find(({ pattern }) => pattern.test(head));
  return known === undefined
    ? "the bytes are no JPEG, PNG, WebP, GIF or AVIF"
    : `it is ${known.name}; ${known.advice}`;
}

/** The first bytes, one character each. */
function headOf(view: ByteView): string {
  const length = Math.min(view.byteLength, HEAD_BYTES);
  return String.fromCharCode(...Array.from({ length }, (_, offset) => view.getUint8(offset)));
}

/** Enough for every signature, and for the comments that an SVG may begin with. */
const HEAD_BYTES = 1024;

/** What a format's files have in common, by which of them the first that fits counts. */
interface Signature {
  /** Bytes before the marks. */
  readonly at: number;
  readonly marks: readonly string[];
  readonly name: string;
  readonly advice: string;
}

const exporting = "export it as JPEG or PNG";
const exportingPage = "export the page that is meant as PNG";
const sendingFrame = "send one picture of it as JPEG";

/** Source: TIFF 6.0, ISO/IEC 18181-2, ISO/IEC 15444-1, and the formats' own descriptions. */
const signatures: readonly Signature[] = [
  { at: 4, marks: ["ftypcrx "], name: "a camera's raw file", advice: "export it as JPEG" },
  { at: 4, marks: ["ftyp"], name: "a video", advice: sendingFrame },
  {
    at: 0,
    marks: ["II*\0", "MM\0*", "II+\0", "MM\0+"],
    name: "a TIFF or a camera's raw file",
    advice: exporting,
  },
  { at: 0, marks: ["\xff\x0a", "\0\0\0\x0cJXL "], name: "a JPEG XL picture", advice: exporting },
  {
    at: 0,
    marks: ["\0\0\0\x0cjP  ", "\xff\x4f\xff\x51"],
    name: "a JPEG 2000 picture",
    advice: exporting,
  },
  { at: 0, marks: ["BM"], name: "a BMP picture", advice: exporting },
  {
    at: 0,
    marks: ["\0\0\x01\0", "\0\0\x02\0"],
    name: "an icon or cursor file",
    advice: "export it as PNG",
  },
  { at: 0, marks: ["8BPS"], name: "a Photoshop document", advice: exporting },
  { at: 0, marks: ["%PDF-"], name: "a PDF document", advice: exportingPage },
  { at: 0, marks: ["%!PS"], name: "a PostScript document", advice: exportingPage },
  { at: 0, marks: ["\x1aE\xdf\xa3"], name: "a video", advice: sendingFrame },
  { at: 0, marks: ["PK\x03\x04", "\x1f\x8b"], name: "a packed archive", advice: "unpack it first" },
];

/** Formats that are written as text, behind white space, a byte order mark, a prologue or comments. */
const texts: readonly (Pick<Signature, "name" | "advice"> & { readonly pattern: RegExp })[] = [
  {
    pattern:
      /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*|<!doctype svg[^>]*>\s*)*<svg[\s>]/is,
    name: "an SVG drawing",
    advice: "export it as PNG",
  },
  {
    pattern: /^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)[\s>]/i,
    name: "a web page",
    advice: "send the picture itself",
  },
];
