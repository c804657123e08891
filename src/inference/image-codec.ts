import sharp from "sharp";
import type { Failure } from "#domain/failure.ts";
import { type ImageHeader, readImageHeader } from "#domain/image/header.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { Picture } from "#domain/tensor.ts";

/**
 * Threat: memory. A decoded picture takes 3 bytes a pixel, so 64 megapixels are 192 MB; today's phones send 12 to 50.
 * What it does not cover: several pictures at once.
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
 * Decodes the files of a request, JPEG, PNG, WebP or GIF, into upright 8-bit RGB.
 *
 * EXIF orientation is applied, transparency is flattened on black, wider colour is converted to sRGB, 16 bits are cut to 8.
 * All headers are judged before a pixel is decoded. Refuses with the one `image_*` failure that fits and the file's index;
 * throws if decoding breaks for a reason that is not the picture.
 */
export async function decodeImages(
  files: readonly Uint8Array[],
): Promise<Result<Picture[], Failure>> {
  const headers: ImageHeader[] = [];
  let pixels = 0;
  for (const [image, bytes] of files.entries()) {
    const header = judgeHeader(bytes, image);
    if (!header.ok) return header;
    pixels += header.value.width * header.value.height;
    if (pixels > MAX_REQUEST_PIXELS) {
      return refuse({ kind: "image_too_large", image, pixels, limitPixels: MAX_REQUEST_PIXELS });
    }
    headers.push(header.value);
  }
  const pictures: Picture[] = [];
  for (const [image, header] of headers.entries()) {
    const picture = await decode(files[image] ?? new Uint8Array(), header, image);
    if (!picture.ok) return picture;
    pictures.push(picture.value);
  }
  return ok(pictures);
}

async function decode(
  bytes: Uint8Array,
  header: ImageHeader,
  image: number,
): Promise<Result<Picture, Failure>> {
  try {
    const { data, info } = await sharp(bytes, {
      failOn: "truncated",
      limitInputPixels: MAX_IMAGE_PIXELS,
      pages: 1,
      sequentialRead: true,
    })
      .autoOrient()
      .flatten({ background: "#000000" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return ok({ width: info.width, height: info.height, pixelsHWC: rgb(data, info.channels) });
  } catch (cause) {
    if (!isPicturesFault(cause)) throw new Error(`decoding picture ${image} broke`, { cause });
    return refuse(judgeDamage(bytes, header, image));
  }
}

function judgeHeader(bytes: Uint8Array, image: number): Result<ImageHeader, Failure> {
  const header = readImageHeader(bytes);
  if (!header.ok) {
    return header.refusal === "truncated"
      ? refuse({ kind: "image_truncated", image })
      : refuse({ kind: "image_unsupported", image, reason: header.refusal });
  }
  const { width, height, frames } = header.value;
  if (frames > 1) {
    const reason = "it is an animation; send the one picture that is meant";
    return refuse({ kind: "image_unsupported", image, reason });
  }
  const pixels = width * height;
  if (pixels <= MAX_IMAGE_PIXELS && Math.max(width, height) <= MAX_IMAGE_SIDE) return header;
  return pixels > bytes.byteLength * BOMB_PIXELS_PER_BYTE
    ? refuse({ kind: "image_bomb", image, width, height })
    : refuse({ kind: "image_too_large", image, pixels, limitPixels: MAX_IMAGE_PIXELS });
}

/**
 * Messages about a file begin with the name of its reader or with "Input"; those about memory and threads do not. A reader
 * that gives up without a word, as on an interlaced PNG that is cut off, reads as "Unknown error".
 */
function isPicturesFault(cause: unknown): cause is Error {
  return (
    cause instanceof Error &&
    /^(vips|webp|gif|png|jpe?g|input |unknown error$)/i.test(cause.message)
  );
}

/** Decoders differ in what they say of a file that ends too early; whether its own end mark is there does not. */
function judgeDamage(bytes: Uint8Array, { type }: ImageHeader, image: number): Failure {
  if (!hasEnd(bytes, type)) return { kind: "image_truncated", image };
  const reason = "the file is damaged or of a kind that cannot be decoded";
  return { kind: "image_unsupported", image, reason };
}

/** Looks for the mark that ends a file of this type: EOI, IEND, the size of the RIFF container, the trailer of a GIF. */
function hasEnd(bytes: Uint8Array, type: ImageHeader["type"]): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "jpeg":
      return file.lastIndexOf(Uint8Array.of(0xff, 0xd9)) !== -1;
    case "png":
      return file.lastIndexOf("IEND") !== -1;
    case "webp":
      return file.readUInt32LE(4) + 8 <= file.byteLength;
    case "gif":
      return file.at(-1) === 0x3b;
    default:
      return type satisfies never;
  }
}

/** A grey picture comes out with one channel; its value is that of all three. */
function rgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const pixels = new Uint8Array((data.length / channels) * 3);
  for (let pixel = 0; pixel * channels < data.length; pixel++) {
    pixels.fill(data[pixel * channels]!, pixel * 3, pixel * 3 + 3);
  }
  return pixels; // [H, W, 3]
}
