import sharp, { type FailOnOptions, type Sharp } from "sharp";
import type { Failure } from "#domain/failure.ts";
import type { ImageHeader } from "#domain/image/header.ts";
import {
  judgeImages,
  judgeSizes,
  MAX_IMAGE_PIXELS,
  type PricedPicture,
} from "#domain/image/judge.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { Picture } from "#domain/tensor.ts";
import { onBackdrop } from "#model/image/backdrop.ts";

/**
 * Decodes the files of a request, JPEG, PNG, WebP, GIF or AVIF, into upright 8-bit RGB.
 *
 * A picture is turned by the orientation that was priced, wider colour is converted to sRGB, 16 bits are cut to 8, and what
 * is transparent is laid on white or black (`onBackdrop`). All headers are judged before a pixel is decoded, and what the
 * decoder makes must have the size that was priced. `priced` is null where nobody priced them: then the headers are right.
 *
 * Refuses with the one `image_*` failure that fits and the file's index; throws if decoding breaks for a reason that is not
 * the picture.
 */
export async function decodeImages(
  files: readonly Uint8Array[],
  priced: readonly PricedPicture[] | null = null,
): Promise<Result<Picture[], Failure>> {
  const headers = judgeImages(files);
  if (!headers.ok) return headers;
  const fitting = judgeSizes(priced ?? []);
  if (!fitting.ok) return fitting;
  const pictures: Picture[] = [];
  for (const [image, header] of headers.value.entries()) {
    const file = { bytes: files[image] ?? new Uint8Array(), type: header.type, image };
    const picture = await decode(file, priced?.[image] ?? header);
    if (!picture.ok) return picture;
    pictures.push(picture.value);
  }
  return ok(pictures);
}

/** A file of a request, whose header was judged. */
interface PictureFile {
  readonly bytes: Uint8Array;
  readonly type: ImageHeader["type"];
  /** Its index. */
  readonly image: number;
}

async function decode(file: PictureFile, priced: PricedPicture): Promise<Result<Picture, Failure>> {
  const { bytes, type } = file;
  const whole = await decodeSource(bytes, "truncated", file, priced);
  if (whole !== undefined) return whole;
  // A JPEG may lack nothing but its end mark. Given one, every other warning counts: only they tell that pixels are missing.
  const ended =
    type === "jpeg" && !hasEnd(bytes, type)
      ? await decodeSource(Buffer.concat([bytes, endOfImage]), "warning", file, priced)
      : undefined;
  return ended ?? refuse(judgeDamage(file));
}

/** Decodes bytes with as much patience as told; undefined where they are damaged. */
async function decodeSource(
  bytes: Uint8Array,
  failOn: FailOnOptions,
  { image }: PictureFile,
  priced: PricedPicture,
): Promise<Result<Picture, Failure> | undefined> {
  try {
    const limits = { limitInputPixels: MAX_IMAGE_PIXELS, pages: 1, sequentialRead: true };
    const source = sharp(bytes, { ...limits, failOn });
    const { width, height, pages = 1 } = await source.metadata();
    if (width !== priced.width || height !== priced.height)
      return refuse(sizeMismatch(image, priced, { width, height }));
    if (pages > 1) return refuse({ kind: "image_unsupported", image, reason: severalPictures });
    const { data, info } = await upright(source, priced.orientation)
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const isTurned = priced.orientation >= 5;
    const stored = isTurned ? { width: info.height, height: info.width } : info;
    if (stored.width !== priced.width || stored.height !== priced.height)
      return refuse(sizeMismatch(image, priced, stored));
    return ok(onBackdrop({ ...info, data }));
  } catch (cause) {
    if (isPicturesFault(cause)) return undefined;
    throw new Error(`decoding picture ${image} broke`, { cause });
  }
}

const severalPictures = "it holds several pictures; send the one that is meant";

/** Turns a picture as its EXIF orientation says. Source: EXIF 2.32 §4.6.4, Orientation. */
function upright(source: Sharp, orientation: number): Sharp {
  const { turn, isMirrored } = orientations[orientation - 1] ?? { turn: 0, isMirrored: false };
  const turned = turn === 0 ? source : source.rotate(turn);
  return isMirrored ? turned.flop() : turned;
}

/** Orientations 1 … 8: degrees clockwise, then left and right exchanged. */
const orientations: readonly { readonly turn: number; readonly isMirrored: boolean }[] = [
  { turn: 0, isMirrored: false },
  { turn: 0, isMirrored: true },
  { turn: 180, isMirrored: false },
  { turn: 180, isMirrored: true },
  { turn: 270, isMirrored: true },
  { turn: 90, isMirrored: false },
  { turn: 90, isMirrored: true },
  { turn: 270, isMirrored: false },
];

function sizeMismatch(
  image: number,
  priced: Pick<PricedPicture, "width" | "height">,
  made: Pick<PricedPicture, "width" | "height">,
): Failure {
  const reason = `its header says ${priced.width} × ${priced.height} pixels, but ${made.width} × ${made.height} came out of it; save it anew`;
  return { kind: "image_unsupported", image, reason };
}

/**
 * Whether a fault of decoding is the picture's, and would be again. Everything is but what machines run out of: a fault of
 * ours is told as one that may pass.
 */
function isPicturesFault(cause: unknown): cause is Error {
  return (
    cause instanceof Error &&
    !/out of memory|cannot allocate|unable to (?:allocate|create thread)|too many open files|timeout/i.test(
      cause.message,
    )
  );
}

/** Decoders differ in what they say of a file that ends too early; whether its own end mark is there does not. */
function judgeDamage({ bytes, type, image }: PictureFile): Failure {
  if (!hasEnd(bytes, type)) return { kind: "image_truncated", image };
  const reason = "the file is damaged or of a kind that cannot be decoded";
  return { kind: "image_unsupported", image, reason };
}

const startOfScan = Uint8Array.of(0xff, 0xda);
const endOfImage = Uint8Array.of(0xff, 0xd9);

/**
 * Looks for the mark that ends a file of this type: EOI behind the last scan (the preview in a JPEG's metadata has one of
 * its own), IEND, the size of the RIFF container, the trailer of a GIF, the last box of an AVIF.
 */
function hasEnd(bytes: Uint8Array, type: ImageHeader["type"]): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "jpeg":
      return file.lastIndexOf(endOfImage) > file.lastIndexOf(startOfScan);
    case "png":
      return file.lastIndexOf("IEND") !== -1;
    case "webp":
      return file.readUInt32LE(4) + 8 <= file.byteLength;
    case "gif":
      return file.at(-1) === 0x3b;
    case "avif":
      return endsWithBox(file);
    default:
      return type satisfies never;
  }
}

/** Whether the boxes of the outermost level end where the file does, or before. */
function endsWithBox(file: Buffer): boolean {
  let offset = 0;
  while (offset + 8 <= file.length) {
    const length = file.readUInt32BE(offset);
    if (length === 0) return true; // Up to the end, wherever that is.
    if (length < 8) return false;
    offset += length;
  }
  return offset <= file.length;
}
