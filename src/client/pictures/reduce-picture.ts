import type { ModelImageBody } from "#wire/api/models.ts";

/** How large a picture is worth sending: what `models()` says of a model's pictures. */
export type RecommendedMaximum = Pick<
  ModelImageBody,
  "recommended_max_pixels" | "recommended_max_side"
>;

/** Of a JPEG, 0 … 1: what phones' own apps send; losses are below what a model of 384-pixel views sees. */
const JPEG_QUALITY = 0.8;

/** Types that are written as JPEG when they are reduced; others may be see-through or drawn, and become PNG. */
const PHOTOGRAPHS: ReadonlySet<string> = new Set(["image/jpeg", "image/heic", "image/heif"]);

/**
 * Scales a picture down to what a model sees, upright as its EXIF says. Where it is small enough, or the runtime cannot (all
 * but browsers and their workers), or does not know the format, it is returned as it is: the service takes it, or says why not.
 */
export async function reducePicture<File extends Uint8Array<ArrayBuffer> | Blob>(
  file: File,
  image: RecommendedMaximum | null,
): Promise<File | Blob> {
  if (typeof createImageBitmap === "undefined" || typeof OffscreenCanvas === "undefined")
    return file;
  const blob = file instanceof Blob ? file : new Blob([file], { type: typeOf(file) });
  const bitmap = await createImageBitmap(blob).catch(() => undefined);
  if (bitmap === undefined) return file;
  try {
    const scale = scaleOf(bitmap, image);
    return scale < 1 ? await drawn(bitmap, scale, blob.type) : file;
  } finally {
    bitmap.close();
  }
}

/** By how much a picture of so many pixels has to be scaled so that it is no larger than a model sees; 1 where it is not. */
export function scaleOf(
  { width, height }: { readonly width: number; readonly height: number },
  image: RecommendedMaximum | null,
): number {
  const { recommended_max_pixels: pixels, recommended_max_side: side } = image ?? {};
  return Math.min(
    1,
    side == null ? 1 : side / Math.max(width, height),
    pixels == null ? 1 : Math.sqrt(pixels / (width * height)),
  );
}

async function drawn(bitmap: ImageBitmap, scale: number, type: string): Promise<Blob> {
  const width = Math.max(1, Math.floor(bitmap.width * scale));
  const height = Math.max(1, Math.floor(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws no pictures outside of its page");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return await canvas.convertToBlob(
    PHOTOGRAPHS.has(type) ? { type: "image/jpeg", quality: JPEG_QUALITY } : { type: "image/png" },
  );
}

/** Bytes do not say their type as files do: a JPEG is told from all others. */
function typeOf(bytes: Uint8Array): string {
  return bytes[0] === 0xff && bytes[1] === 0xd8 ? "image/jpeg" : "";
}
