import { type RecommendedMaximum, reducePicture } from "#client/pictures/reduce-picture.ts";
import { type Extent, endingOf, nextPictureId, type Picture } from "./picture.ts";

/** A file that cannot be asked about. `kind` says why; the page says what to do. */
export class PictureError extends Error {
  override readonly name = "PictureError";
  readonly kind: "heic" | "unreadable" | "too_large" | "away";

  constructor(kind: PictureError["kind"], cause?: unknown) {
    super(kind, { cause });
    this.kind = kind;
  }
}

/** Threat: a tab that runs out of memory. 100 megapixels are 400 MB of pixels, twice the largest telephone's picture. */
const MAX_PIXELS = 100_000_000;

/** A file that is this small already is sent as it is, down to its last byte. */
const SMALL_BYTES = 32 * 1024;

/** While the model has not said how large a picture it looks at: LLaDA-V's largest grid, 6 tiles of 384. */
const USUAL_MAXIMUM: RecommendedMaximum = {
  recommended_max_pixels: null,
  recommended_max_side: 2304,
};

/** Makes a picture as small as the model looks at it, and says what became of it. Rejects with PictureError. */
export async function takePicture(
  file: Blob,
  { id, name, sample }: Pick<Picture, "id" | "name" | "sample">,
  image: RecommendedMaximum | null,
): Promise<Picture> {
  const before = await extentOf(file, name);
  if (before.width * before.height > MAX_PIXELS) throw new PictureError("too_large");
  const isSmall = file.size <= SMALL_BYTES && endingOf(file.type) !== undefined;
  const reduced = isSmall ? file : await reducePicture(file, image ?? USUAL_MAXIMUM);
  const source = reduced.size < file.size || endingOf(file.type) === undefined ? reduced : file;
  return {
    ...{ id, name, sample, source },
    original: file,
    sizes: { before, after: source === file ? before : await extentOf(source, name) },
    file: `picture-${id}.${endingOf(source.type) ?? "png"}`,
    preview: URL.createObjectURL(source),
  };
}

/** A picture that the service fetches. */
export function addressedPicture(url: string): Picture {
  return {
    id: nextPictureId(),
    name: url,
    file: null,
    source: { url },
    original: null,
    preview: null,
    sizes: null,
    sample: null,
  };
}

async function extentOf(file: Blob, name: string): Promise<Extent> {
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height, bytes: file.size };
  } catch (cause) {
    throw new PictureError(isHeic(file, name) ? "heic" : "unreadable", cause);
  }
}

function isHeic({ type }: Blob, name: string): boolean {
  return /^image\/hei[cf]/.test(type) || /\.hei[cf]$/i.test(name);
}
