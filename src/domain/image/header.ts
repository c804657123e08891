import { ok, type Result, refuse } from "../result.ts";
import { isAvif, mayBecomeAvif, readAvif } from "./avif-header.ts";
import { type ByteView, viewOf } from "./byte-view.ts";
import { describeForeign, isHeic } from "./foreign-format.ts";
import { readGif } from "./gif-header.ts";
import { readJpeg } from "./jpeg-header.ts";
import { readPng } from "./png-header.ts";
import { readWebp } from "./webp-header.ts";

/** What a file says about its picture before anything is decoded. */
export interface ImageHeader {
  readonly type: "jpeg" | "png" | "webp" | "gif" | "avif";
  /** Pixels as stored, at least 1 each; before the orientation is applied. Up to 2^31 − 1: what is too large is the caller's rule. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation 1 … 8; 1 where none is written. From 5 on width and height change places. */
  readonly orientation: number;
  /** Pictures in the file as far as its bytes were given: more than 1 is an animation. At most MAX_COUNTED_FRAMES. */
  readonly frames: number;
}

/** Frames are told up to this: that there are many is all that anyone asks, and a PNG may claim four billion. */
export const MAX_COUNTED_FRAMES = 1000;

/**
 * Reads type, size, orientation and frames from the first bytes of a JPEG, PNG, WebP, GIF or AVIF, decoding nothing. They
 * are those which the decoder finds, also where files contradict themselves: what is priced is what is decoded.
 * Total: any bytes give a header or a refusal, in time at most linear in their number. The refusal is "truncated" where
 * the bytes end before the size is known, "heic" for what iPhones keep, otherwise a sentence saying why the file cannot be a
 * question's picture.
 *
 * Source: ITU-T T.81 annex B, W3C PNG third edition, Google WebP container specification, CompuServe GIF89a, AVIF 1.1, EXIF 2.32.
 */
export function readImageHeader(file: Uint8Array | ByteView): Result<ImageHeader, string> {
  const header = parse(file instanceof Uint8Array ? viewOf(file) : file);
  if (typeof header === "string") return refuse(header);
  if (header.width === 0 || header.height === 0) {
    return refuse(`the ${header.type.toUpperCase()} says that it has no pixels`);
  }
  return ok({ ...header, frames: Math.min(header.frames, MAX_COUNTED_FRAMES) });
}

/** Returns the size in which the picture is seen once its orientation is applied. */
export function uprightSize(header: Pick<ImageHeader, "width" | "height" | "orientation">): {
  width: number;
  height: number;
} {
  const { width, height } = header;
  return header.orientation >= 5 ? { width: height, height: width } : { width, height };
}

function parse(view: ByteView): ImageHeader | string {
  if (view.byteLength < 4) return "truncated";
  switch (view.getUint32(0)) {
    case 0x89504e47: // ‰PNG
      return readPng(view);
    case 0x47494638: // GIF8
      return readGif(view);
    case 0x52494646: // RIFF
      return readWebp(view);
    default:
      if (view.getUint16(0) === 0xffd8) return readJpeg(view);
      if (mayBecomeAvif(view)) return "truncated";
      if (isAvif(view)) return readAvif(view);
      return isHeic(view) ? "heic" : describeForeign(view);
  }
}
