import { readOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

/**
 * Reads a JPEG up to its frame header. Returns the header, "truncated", or why it cannot be read.
 * Source: ITU-T T.81 (1992), annex B.1.1 and B.2.2.
 */
export function readJpeg(view: DataView): ImageHeader | string {
  let orientation = 1;
  let offset = 2;
  for (let segment = 0; segment < MAX_JPEG_SEGMENTS; segment++) {
    while (offset < view.byteLength && view.getUint8(offset) === 0xff) offset++; // Fill bytes may repeat.
    if (offset + 3 > view.byteLength) return "truncated";
    const marker = view.getUint8(offset);
    const length = view.getUint16(offset + 1);
    const body = offset + 3;
    if (offset < 3 || view.getUint8(offset - 1) !== 0xff || length < 2) {
      return "the JPEG's segments are broken";
    }
    if (isFrame(marker)) {
      if (body + 5 > view.byteLength) return "truncated";
      return {
        type: "jpeg",
        height: view.getUint16(body + 1),
        width: view.getUint16(body + 3),
        orientation,
        frames: 1,
      };
    }
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE) return "the JPEG has no frame header";
    if (marker === APPLICATION_1 && startsWithExif(view, body)) {
      const end = Math.min(offset + 1 + length, view.byteLength);
      orientation = readOrientation(view, body + EXIF_PREFIX_BYTES, end) ?? orientation;
    }
    offset += 1 + length;
  }
  return `the JPEG has more than ${MAX_JPEG_SEGMENTS} segments before its frame header`;
}

/**
 * Segments looked at before the frame header. Threat: a file of millions of empty segments. Cameras write about ten, a
 * large colour profile or extended metadata some hundred of 64 KiB each.
 */
const MAX_JPEG_SEGMENTS = 1024;

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const APPLICATION_1 = 0xe1;
const EXIF_PREFIX_BYTES = 6;

/** SOF0 … SOF15, without the three markers of that range that mean tables: DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function startsWithExif(view: DataView, offset: number): boolean {
  return (
    offset + EXIF_PREFIX_BYTES <= view.byteLength &&
    view.getUint32(offset) === 0x45786966 && // Exif
    view.getUint16(offset + 4) === 0
  );
}
