import type { ByteView } from "./byte-view.ts";
import { readOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

/**
 * Reads a PNG's header chunk, then looks on for orientation and animation. Returns the header, "truncated", or why not.
 * Of EXIF chunks the first well-formed one before the pixels counts, as in the decoder: what is behind is read too late.
 * Source: W3C Portable Network Graphics, third edition, §5.3, §11.2.1, §11.3.5.4 (eXIf), §11.3.6.1 (acTL).
 */
export function readPng(view: ByteView): ImageHeader | string {
  if (view.byteLength < 26) return "truncated";
  if (view.getUint32(4) !== 0x0d0a1a0a || view.getUint32(8) !== 13 || view.getUint32(12) !== IHDR) {
    return "the PNG does not begin with its header";
  }
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (width > MAX_PNG_SIDE || height > MAX_PNG_SIDE) return "the PNG's size is out of its range";
  let orientation: number | undefined;
  let hasPixels = false;
  let frames = 1;
  let offset = 33;
  for (let chunk = 0; chunk < MAX_PNG_CHUNKS && offset + 12 <= view.byteLength; chunk++) {
    const length = view.getUint32(offset);
    const type = view.getUint32(offset + 4);
    const body = offset + 8;
    const end = Math.min(body + length, view.byteLength);
    if (type === PIXELS) hasPixels = true;
    if (type === EXIF && !hasPixels && isTiff(view, body, end))
      orientation ??= readOrientation(view, body, end);
    if (type === ANIMATION && end - body >= 8) frames = Math.max(1, view.getUint32(body));
    if (type === END) break;
    offset = body + length + 4; // Behind the checksum, which the decoder checks.
  }
  return { type: "png", width, height, orientation: orientation ?? 1, frames };
}

/** Chunks looked at. Threat: millions of empty ones. A picture of the largest body that is taken has some thousand. */
const MAX_PNG_CHUNKS = 16_384;

/** Largest number in a PNG, 2^31 − 1. */
const MAX_PNG_SIDE = 0x7fffffff;

const IHDR = 0x49484452;
const PIXELS = 0x49444154; // IDAT
const EXIF = 0x65584966;
const ANIMATION = 0x6163544c;
const END = 0x49454e44;

/** Whether a chunk begins as TIFF does, in either byte order; a decoder passes over what begins otherwise. */
function isTiff(view: ByteView, start: number, end: number): boolean {
  if (start + 4 > end) return false;
  const mark = view.getUint32(start);
  return mark === 0x49492a00 || mark === 0x4d4d002a;
}
