import sharp from "sharp";
import { MAX_IMAGE_PIXELS } from "#domain/image/judge.ts";

/** A small picture to be shown beside text. */
export interface Thumbnail {
  /** WebP. */
  readonly bytes: Uint8Array;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** WebP's scale of 1 … 100: letters in a screenshot stay readable, and a hundred pictures are half a megabyte. */
const QUALITY = 70;

/** Makes a picture upright and no larger than `edge` pixels either way; undefined where its file cannot be decoded. */
export async function thumbnail(file: Uint8Array, edge: number): Promise<Thumbnail | undefined> {
  try {
    const { data, info } = await sharp(file, { limitInputPixels: MAX_IMAGE_PIXELS })
      .rotate()
      .resize(edge, edge, { fit: "inside", withoutEnlargement: true })
      .webp({ quality: QUALITY })
      .toBuffer({ resolveWithObject: true });
    return { bytes: data, width: info.width, height: info.height };
  } catch {
    // What sharp says of a broken file has no names to tell it by, and a report without one picture is still a report.
    return undefined;
  }
}
