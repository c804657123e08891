import { type Extent, endingOf, type Picture } from "./picture.ts";
import { SMALL_BYTES, targetSize } from "./target-size.ts";

/** A file that cannot be asked about. `kind` says why; the page says what to do. */
export class PictureError extends Error {
  override readonly name = "PictureError";
  readonly kind: "heic" | "unreadable" | "too_large";

  constructor(kind: PictureError["kind"], cause?: unknown) {
    super(kind, { cause });
    this.kind = kind;
  }
}

/** Threat: a tab that runs out of memory. 100 megapixels are 400 MB of pixels, twice the largest telephone's picture. */
const MAX_PIXELS = 100_000_000;

const JPEG_QUALITY = 0.9;

let count = 0;

/**
 * Makes a picture as small as the model looks at it, `side` pixels at most, upright as the camera held it. A file that is small
 * already, or would not become smaller, stays as it is. Rejects with PictureError.
 */
export async function reducePicture(
  file: Blob,
  name: string,
  side: number,
): Promise<Omit<Picture, "sample">> {
  using bitmap = disposable(await decode(file, name));
  const { width, height } = bitmap.value;
  if (width * height > MAX_PIXELS) throw new PictureError("too_large");
  const before: Extent = { width, height, bytes: file.size };
  const isReadable = endingOf(file.type) !== undefined;
  const small = targetSize(before, side);
  const isSmall = file.size <= SMALL_BYTES;
  const drawn = isReadable && isSmall ? null : await draw(bitmap.value, small, file.type);
  const isBetter = drawn !== null && (!isReadable || drawn.size < file.size);
  const source = isBetter ? drawn : file;
  const after = isBetter ? { ...small, bytes: source.size } : before;
  count += 1;
  return {
    id: count,
    ...{ name, source, sizes: { before, after } },
    file: `picture-${count}.${endingOf(source.type) ?? "png"}`,
    preview: URL.createObjectURL(source),
  };
}

/** A picture that the service fetches. */
export function addressedPicture(url: string): Picture {
  count += 1;
  return {
    ...{ id: count, name: url, file: null, source: { url } },
    ...{ preview: null, sizes: null, sample: null },
  };
}

async function decode(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch (cause) {
    throw new PictureError(isHeic(file, name) ? "heic" : "unreadable", cause);
  }
}

function isHeic({ type }: Blob, name: string): boolean {
  return /^image\/hei[cf]/.test(type) || /\.hei[cf]$/i.test(name);
}

/** Draws it at its new size: drawings and what may be transparent as PNG, photographs as JPEG. */
async function draw(
  bitmap: ImageBitmap,
  { width, height }: { readonly width: number; readonly height: number },
  type: string,
): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (context === null) throw new PictureError("unreadable");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const isDrawing = type === "image/png" || type === "image/gif" || type === "image/svg+xml";
  return await new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob === null ? reject(new PictureError("too_large")) : resolve(blob)),
      isDrawing ? "image/png" : "image/jpeg",
      JPEG_QUALITY,
    ),
  );
}

function disposable(bitmap: ImageBitmap): { readonly value: ImageBitmap } & Disposable {
  return { value: bitmap, [Symbol.dispose]: () => bitmap.close() };
}
