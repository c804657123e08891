import type { Failure } from "../failure.ts";
import { ok, type Result, refuse } from "../result.ts";
import type { ByteView } from "./byte-view.ts";
import { type ImageHeader, readImageHeader, uprightSize } from "./header.ts";
import type { Size } from "./layout.ts";

/**
 * Threat: memory. A decoded picture takes 3 bytes a pixel, 4 while it is transparent, so 64 megapixels are 256 MB at the
 * most; today's phones send 12 to 50. What it does not cover: several pictures at once.
 */
export const MAX_IMAGE_PIXELS = 64_000_000;

/** Threat: eight flat pictures of 64 megapixels in one small request. 128 megapixels together, 384 MB, hold eight photos of a phone. */
export const MAX_REQUEST_PIXELS = 128_000_000;

/** Threat: one thin line of 2³¹ pixels passes a pixel limit by overflow. 16,384 is the largest side that cameras and WebP (16,383) use. */
export const MAX_IMAGE_SIDE = 16_384;

/**
 * Threat: a small file that unpacks to a huge picture. Deflate packs at most 1,032 to 1 and a flat JPEG about 3,000 pixels
 * a byte, so a file over the pixel limit that claims more than this per byte was made to hurt.
 */
const BOMB_PIXELS_PER_BYTE = 3_000;

/**
 * Judges the pictures of one question by their headers, before a pixel is decoded: whoever prices and whoever decodes
 * judge alike. Refuses with the one `image_*` failure that fits, the index of the file, and the limit that it breaks.
 */
export function judgeImages(
  files: readonly (Uint8Array | ByteView)[],
): Result<ImageHeader[], Failure> {
  return judgeEach(files, judgeHeader);
}

/** A picture's file, or what of it is priced where the file itself was judged before. */
export type JudgedFile = Uint8Array | ByteView | PricedPicture;

/** As `judgeImages`, of pictures that need not all be at hand. Returns what of them is priced. */
export function judgePictures(files: readonly JudgedFile[]): Result<PricedPicture[], Failure> {
  return judgeEach(files, (file, image) => {
    if (!("byteLength" in file)) return ok(file);
    const header = judgeHeader(file, image);
    return header.ok ? ok(pricedPicture(header.value)) : header;
  });
}

function judgeEach<File, Judged extends Size>(
  files: readonly File[],
  judge: (file: File, image: number) => Result<Judged, Failure>,
): Result<Judged[], Failure> {
  const judged: Judged[] = [];
  for (const [image, file] of files.entries()) {
    const one = judge(file, image);
    if (!one.ok) return one;
    judged.push(one.value);
  }
  const fitting = judgeTogether(judged);
  return fitting.ok ? ok(judged) : fitting;
}

/** Judges pictures of which only the sizes are known. Refuses with `image_too_large`. */
export function judgeSizes(sizes: readonly Size[]): Result<void, Failure> {
  for (const [image, size] of sizes.entries()) {
    const fitting = judgeSize(size, image);
    if (!fitting.ok) return fitting;
  }
  return judgeTogether(sizes);
}

/** A picture as it is priced, and as it must come out of its decoder: pixels as stored, and how they are turned. */
export type PricedPicture = Pick<ImageHeader, "width" | "height" | "orientation">;

/** Returns what of a header is priced. */
export function pricedPicture({ width, height, orientation }: ImageHeader): PricedPicture {
  return { width, height, orientation };
}

/** Returns the sizes in which pictures are seen. */
export function seenSizes(pictures: readonly PricedPicture[]): Size[] {
  return pictures.map(uprightSize);
}

function judgeHeader(file: Uint8Array | ByteView, image: number): Result<ImageHeader, Failure> {
  const header = readImageHeader(file);
  if (!header.ok) return refuse(unreadable(header.refusal, image));
  const { width, height, frames } = header.value;
  if (frames > 1) {
    const reason = "it is an animation; send the one picture that is meant";
    return refuse({ kind: "image_unsupported", image, reason });
  }
  const pixels = width * height;
  if (pixels > MAX_IMAGE_PIXELS && pixels > file.byteLength * BOMB_PIXELS_PER_BYTE)
    return refuse({ kind: "image_bomb", image, width, height });
  const fitting = judgeSize(header.value, image);
  return fitting.ok ? header : fitting;
}

function unreadable(refusal: string, image: number): Failure {
  switch (refusal) {
    case "truncated":
      return { kind: "image_truncated", image };
    case "heic":
      return { kind: "image_heic", image };
    default:
      return { kind: "image_unsupported", image, reason: refusal };
  }
}

function judgeSize({ width, height }: Size, image: number): Result<void, Failure> {
  const pixels = width * height;
  if (pixels > MAX_IMAGE_PIXELS)
    return refuse({ kind: "image_too_large", image, pixels, limitPixels: MAX_IMAGE_PIXELS });
  const side = Math.max(width, height);
  return side > MAX_IMAGE_SIDE
    ? refuse({
        kind: "image_too_large",
        image,
        pixels: side,
        limitPixels: MAX_IMAGE_SIDE,
        of: "side",
      })
    : ok(undefined);
}

function judgeTogether(sizes: readonly Size[]): Result<void, Failure> {
  let pixels = 0;
  for (const [image, { width, height }] of sizes.entries()) {
    pixels += width * height;
    if (pixels > MAX_REQUEST_PIXELS)
      return refuse({
        kind: "image_too_large",
        image,
        pixels,
        limitPixels: MAX_REQUEST_PIXELS,
        of: "question",
      });
  }
  return ok(undefined);
}
