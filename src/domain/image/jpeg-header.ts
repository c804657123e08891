import type { ByteView } from "./byte-view.ts";
import { readOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

/**
 * Reads a JPEG up to its first scan. Returns the header, "truncated", or why it cannot be read.
 *
 * As lenient as decoders are: bytes that belong to no segment are passed over, markers that stand alone as well, and a
 * segment that claims less than its own length field has no body. Of several EXIF segments the first counts, whatever it
 * holds. Source: ITU-T T.81 (1992), annex B.1.1 and B.2.2; libjpeg-turbo, jdmarker.c; libvips 8.18, jpeg2vips.c.
 */
export function readJpeg(view: ByteView): ImageHeader | string {
  let size: { readonly width: number; readonly height: number } | undefined;
  let orientation: number | undefined;
  let offset = 2;
  for (let segment = 0; ; segment++) {
    if (segment === MAX_JPEG_SEGMENTS)
      return `the JPEG has more than ${MAX_JPEG_SEGMENTS} segments before its first scan`;
    offset = findMarker(view, offset);
    const marker = offset < view.byteLength ? view.getUint8(offset) : undefined;
    if (marker === undefined || endsHeader.has(marker)) break;
    if (standsAlone(marker)) continue;
    const body = offset + 3;
    if (body > view.byteLength) break;
    const length = Math.max(view.getUint16(offset + 1), 2);
    const end = Math.min(offset + 1 + length, view.byteLength);
    if (isFrame(marker)) {
      if (size !== undefined) return "the JPEG has two frame headers";
      if (!decodableFrames.has(marker))
        return "it is a lossless or hierarchical JPEG; save it as an ordinary one";
      if (body + 5 > view.byteLength) break;
      size = { height: view.getUint16(body + 1), width: view.getUint16(body + 3) };
    }
    if (marker === APPLICATION_1 && isExif(view, body, end))
      orientation ??= readOrientation(view, body, end);
    offset += 1 + length;
  }
  if (size === undefined)
    return offset < view.byteLength && endsHeader.has(view.getUint8(offset))
      ? "the JPEG has no frame header"
      : "truncated";
  return { type: "jpeg", ...size, orientation: orientation ?? 1, frames: 1 };
}

/**
 * Segments looked at before the first scan. Threat: a file of millions of empty segments. Cameras write about ten, a
 * large colour profile or extended metadata some hundred of 64 KiB each.
 */
const MAX_JPEG_SEGMENTS = 1024;

const APPLICATION_1 = 0xe1;

/** SOI, which may not come twice, EOI and SOS. */
const endsHeader: ReadonlySet<number> = new Set([0xd8, 0xd9, 0xda]);

/** Baseline, extended and progressive, coded by Huffman's way or arithmetically. */
const decodableFrames: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2, 0xc9, 0xca]);

/** Finds the next marker's code: the first byte behind 0xff that is neither 0xff nor the 0 of a stuffed byte. */
function findMarker(view: ByteView, start: number): number {
  let offset = start;
  for (;;) {
    while (offset < view.byteLength && view.getUint8(offset) !== 0xff) offset++;
    while (offset < view.byteLength && view.getUint8(offset) === 0xff) offset++;
    if (offset >= view.byteLength || view.getUint8(offset) !== 0) return offset;
  }
}

/** SOF0 … SOF15, without the three markers of that range that mean tables: DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** TEM and RST0 … RST7 have no length and no body. */
function standsAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

function isExif(view: ByteView, body: number, end: number): boolean {
  return body + 4 < end && view.getUint32(body) === 0x45786966; // Exif
}
