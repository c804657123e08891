import type { ImageHeader } from "./header.ts";

/**
 * Reads a GIF's screen size and counts its pictures. Returns the header, "truncated", or why it cannot be read.
 * Source: GIF89a specification (CompuServe 1990), §18–§23.
 */
export function readGif(view: DataView): ImageHeader | string {
  if (view.byteLength < 13) return "truncated";
  const version = view.getUint16(4);
  if (version !== 0x3761 && version !== 0x3961) return "the GIF is neither 87a nor 89a";
  return {
    type: "gif",
    width: view.getUint16(6, true),
    height: view.getUint16(8, true),
    orientation: 1,
    frames: Math.max(1, countFrames(view)),
  };
}

const EXTENSION = 0x21;
const IMAGE = 0x2c;

/** Blocks looked at. Threat: millions of empty ones. A writer puts one or two before each picture and a few comments. */
const MAX_GIF_BLOCKS = 4096;

function countFrames(view: DataView): number {
  let frames = 0;
  let offset = 13 + colorTableBytes(view.getUint8(10));
  for (let block = 0; block < MAX_GIF_BLOCKS && offset + 10 <= view.byteLength; block++) {
    const kind = view.getUint8(offset);
    if (kind === EXTENSION) {
      offset = skipSubBlocks(view, offset + 2);
    } else if (kind === IMAGE) {
      frames += 1;
      offset = skipSubBlocks(view, offset + 11 + colorTableBytes(view.getUint8(offset + 9)));
    } else {
      break;
    }
  }
  return frames;
}

/** Bytes of the table that packed flags announce: none, or 3 × 2^(n + 1). */
function colorTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1);
}

/** Each sub-block is a length and that many bytes; length 0 ends them. */
function skipSubBlocks(view: DataView, start: number): number {
  let offset = start;
  while (offset < view.byteLength) {
    const length = view.getUint8(offset);
    offset += 1 + length;
    if (length === 0) break;
  }
  return offset;
}
