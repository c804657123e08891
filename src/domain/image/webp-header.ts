import type { ByteView } from "./byte-view.ts";
import { readOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

/**
 * Reads a WebP file: lossy, lossless or extended. Returns the header, "truncated", or why it cannot be read.
 * Source: WebP Container Specification; RFC 6386 §9.1 (VP8); WebP Lossless Bitstream Specification §3 (VP8L).
 */
export function readWebp(view: ByteView): ImageHeader | string {
  if (view.byteLength < 30) return "truncated";
  if (view.getUint32(8) !== 0x57454250) return "the RIFF file holds no WebP";
  const size = readSize(view);
  if (typeof size === "string") return size;
  const { orientation, frames } = isExtended(view) ? readChunks(view) : still;
  return { type: "webp", ...size, orientation, frames };
}

const LOSSY = 0x56503820; // "VP8 "
const LOSSLESS = 0x5650384c; // VP8L
const EXTENDED = 0x56503858; // VP8X
const EXIF = 0x45584946;
/** Bit of VP8X's first byte. */
const EXIF_FLAG = 0x08;
const FRAME = 0x414e4d46; // ANMF

/** Chunks looked at. Threat: millions of empty ones. A file has a handful and one for each frame. */
const MAX_WEBP_CHUNKS = 4096;

const still = { orientation: 1, frames: 1 };

function readSize(view: ByteView): { width: number; height: number } | string {
  switch (view.getUint32(12)) {
    case LOSSY:
      if (view.getUint16(23) !== 0x9d01 || view.getUint8(25) !== 0x2a) {
        return "the WebP's first frame is no key frame";
      }
      return {
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
      };
    case LOSSLESS: {
      if (view.getUint8(20) !== 0x2f) return "the WebP's lossless signature is missing";
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case EXTENDED:
      return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
    default:
      return "the WebP begins with an unknown chunk";
  }
}

function isExtended(view: ByteView): boolean {
  return view.getUint32(12) === EXTENDED;
}

/** The first EXIF chunk counts, if the header announces one and it lies within the container. */
function readChunks(view: ByteView): { orientation: number; frames: number } {
  const announcesExif = (view.getUint8(20) & EXIF_FLAG) !== 0;
  const fileEnd = Math.min(8 + view.getUint32(4, true), view.byteLength);
  let orientation: number | undefined;
  let frames = 0;
  let offset = 12;
  for (let chunk = 0; chunk < MAX_WEBP_CHUNKS && offset + 8 <= fileEnd; chunk++) {
    const type = view.getUint32(offset);
    const length = view.getUint32(offset + 4, true);
    const body = offset + 8;
    if (type === FRAME) frames += 1;
    if (type === EXIF && announcesExif)
      orientation ??= readOrientation(view, body, Math.min(body + length, fileEnd));
    offset = body + length + (length % 2); // Chunks are padded to even lengths.
  }
  return { orientation: orientation ?? 1, frames: Math.max(frames, 1) };
}

function uint24(view: ByteView, offset: number): number {
  return view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
}
