import type { ByteView } from "./byte-view.ts";
import type { ImageHeader } from "./header.ts";
import type { Size } from "./layout.ts";

/**
 * Reads a GIF's size and counts its pictures. Returns the header, "truncated", or why it cannot be read.
 *
 * The size is the one that the decoder makes: the screen's, grown to what the first frame covers; screens that writers
 * state out of habit count as one pixel. Source: GIF89a specification (CompuServe 1990), §18–§23; libnsgif, gif.c,
 * `nsgif_data_scan` and `nsgif__parse_image_descriptor`.
 */
export function readGif(view: ByteView): ImageHeader | string {
  if (view.byteLength < 13) return "truncated";
  const version = view.getUint16(4);
  if (version !== 0x3761 && version !== 0x3961) return "the GIF is neither 87a nor 89a";
  const frames = scanFrames(view);
  const [first] = frames;
  if (first === undefined) {
    const isWhole = view.getUint8(view.byteLength - 1) === TRAILER;
    return isWhole ? "the GIF holds no picture" : "truncated";
  }
  const screen = statedScreen(view);
  return {
    type: "gif",
    width: Math.max(screen.width, first.width),
    height: Math.max(screen.height, first.height),
    orientation: 1,
    frames: frames.length,
  };
}

const EXTENSION = 0x21;
const COMMENT = 0xfe;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/** Blocks looked at. Threat: millions of empty ones. A writer puts one or two before each picture and a few comments. */
const MAX_GIF_BLOCKS = 4096;

/** Sizes of displays, which writers put down for lack of another. */
const habitualScreens: ReadonlySet<string> = new Set([
  "640x480",
  "640x512",
  "800x600",
  "1024x768",
  "1280x1024",
  "1600x1200",
]);

/** A screen with a larger side is not believed. */
const MAX_SCREEN_SIDE = 2048;

function statedScreen(view: ByteView): Size {
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  const isBelieved =
    width > 0 &&
    height > 0 &&
    Math.max(width, height) <= MAX_SCREEN_SIDE &&
    !habitualScreens.has(`${width}x${height}`);
  return isBelieved ? { width, height } : { width: 1, height: 1 };
}

/** Returns what each frame covers from the screen's corner on, in pixels. */
function scanFrames(view: ByteView): Size[] {
  const frames: Size[] = [];
  let offset = 13 + colorTableBytes(view.getUint8(10));
  for (let block = 0; block < MAX_GIF_BLOCKS && offset + 10 <= view.byteLength; block++) {
    const kind = view.getUint8(offset);
    if (kind === EXTENSION) {
      const isComment = view.getUint8(offset + 1) === COMMENT;
      offset = skipSubBlocks(view, offset + (isComment ? 2 : 3 + view.getUint8(offset + 2)));
    } else if (kind === IMAGE) {
      frames.push({
        width: view.getUint16(offset + 1, true) + view.getUint16(offset + 5, true),
        height: view.getUint16(offset + 3, true) + view.getUint16(offset + 7, true),
      });
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
function skipSubBlocks(view: ByteView, start: number): number {
  let offset = start;
  while (offset < view.byteLength) {
    const length = view.getUint8(offset);
    offset += 1 + length;
    if (length === 0) break;
  }
  return offset;
}
