import type { Failure } from "#domain/failure.ts";
import { type ImageHeader, uprightSize } from "#domain/image/header.ts";
import { type PricedPicture, pricedPicture } from "#domain/image/judge.ts";
import type { Size } from "#domain/image/layout.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { longestRetention } from "#domain/retention.ts";
import type { GrowingFile } from "#wire/body/growing-file.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import type { Owner, Viewer } from "../keys/viewer.ts";
import { putFile } from "../questions/picture-store.ts";
import { fileDigest } from "../questions/streamed-digest.ts";

/** A picture that was uploaded to be asked about more than once. Times are milliseconds since 1970. */
export interface Upload {
  /** `img_` and the hex SHA-256 of the file: equal files have equal ids, within their account. */
  readonly id: string;
  readonly bytes: number;
  /** Pixels, upright. */
  readonly size: Size;
  readonly mediaType: string;
  /** Where it lies in the bucket. */
  readonly place: string;
  /** Hex SHA-256 of the file. */
  readonly sha256: string;
  /** What asking about it is priced by; null for one that was uploaded before that was written down. */
  readonly priced: PricedPicture | null;
  /** When it was uploaded first, of late. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** An upload, and whether it was not there before. */
export interface KeptUpload {
  readonly upload: Upload;
  readonly isNew: boolean;
}

/** Threat: free storage without end. A thousand pictures are 10 GB at most, and one page of R2's list counts them. */
export const MAX_UPLOADS = 1000;

/** Threat: one user of an app who fills the account's thousand. A tenth of them is more than a person works on at once. */
export const MAX_UPLOADS_OF_ONE = 100;

const SHA256_DIGITS = 64;
const idShape = /^img_([0-9a-f]{64})$/;

/** Where uploads are bound. */
export interface UploadsBinding {
  /** Uploaded pictures, by account and digest. */
  readonly IMAGES: R2Bucket;
}

/**
 * The uploads that a viewer may see: in R2 the account's own lie under `<account>/<sha256>`, those of a client token or its
 * subject under `<account>/<sha256>/<owner>`, each for itself, so that deleting one leaves the others. Whatever else is
 * there is unknown here. Rejects where R2 cannot be reached.
 */
export class Uploads {
  readonly #bucket: R2Bucket;
  readonly #account: string;
  readonly #owner: Owner;
  readonly #now: () => number;

  constructor(bucket: R2Bucket, { accountId, owner }: Viewer, now: () => number) {
    this.#bucket = bucket;
    this.#account = accountId;
    this.#owner = owner;
    this.#now = now;
  }

  async find(id: string): Promise<Upload | undefined> {
    for await (const place of this.#placesOf(id)) {
      const object = await this.#bucket.head(place);
      const upload = object === null ? undefined : this.#alive(object);
      if (upload !== undefined) return upload;
    }
    return undefined;
  }

  /** Its file, to be read or cancelled. */
  async open(
    id: string,
  ): Promise<{ readonly upload: Upload; readonly file: ReadableStream } | undefined> {
    for await (const place of this.#placesOf(id)) {
      const object = await this.#bucket.get(place);
      if (object === null) continue;
      const upload = this.#alive(object);
      if (upload !== undefined) return { upload, file: object.body };
      await object.body.cancel();
    }
    return undefined;
  }

  /** Keeps a picture for so many milliseconds, or an equal one for longer, and lets go of the file. Refuses with `too_many_of` where there are enough others. */
  async keep(
    file: GrowingFile,
    header: ImageHeader,
    lifetimeMs: number = longestRetention.uploadMs,
  ): Promise<Result<KeptUpload, Failure>> {
    const sha256 = await fileDigest(file);
    const place = this.#ownPlace(sha256);
    const object = await this.#bucket.head(place);
    const known = object === null ? undefined : this.#alive(object);
    const limit = known === undefined ? await this.#limitReached() : undefined;
    if (limit !== undefined)
      return refuse({ kind: "too_many_of", what: "uploaded pictures", limit });
    const now = this.#now();
    const { width, height } = uprightSize(header);
    const upload: Upload = {
      id: `img_${sha256}`,
      bytes: file.byteLength,
      size: { width, height },
      mediaType: `image/${header.type}`,
      createdAt: known?.createdAt ?? now,
      expiresAt: now + lifetimeMs,
      place,
      sha256,
      priced: pricedPicture(header),
    };
    const options: R2PutOptions = {
      sha256,
      httpMetadata: { contentType: upload.mediaType },
      customMetadata: {
        width: String(width),
        height: String(height),
        created_at: String(upload.createdAt),
        expires_at: String(upload.expiresAt),
        orientation: String(header.orientation),
      },
    };
    await putFile(this.#bucket, place, file, { isShared: false, options });
    return ok({ upload, isNew: known === undefined });
  }

  /** Forgets it, wherever the viewer may see it: a key also what client tokens uploaded. Returns whether there was one. */
  async remove(id: string): Promise<boolean> {
    if ((await this.find(id)) === undefined) return false;
    const places: string[] = [];
    for await (const place of this.#placesOf(id)) places.push(place);
    await this.#bucket.delete(places);
    return true;
  }

  #ownPlace(sha256: string): string {
    const place = `${this.#account}/${sha256}`;
    return this.#owner === null ? place : `${place}/${ownerPart(this.#owner)}`;
  }

  /** Where it may lie, the most likely place first; nowhere for what is no id. */
  async *#placesOf(id: string): AsyncGenerator<string, void, undefined> {
    const sha256 = idShape.exec(id)?.[1];
    if (sha256 === undefined) return;
    yield this.#ownPlace(sha256);
    if (this.#owner !== null) return;
    const page = await this.#bucket.list({ prefix: `${this.#account}/${sha256}/` });
    for (const { key } of page.objects) yield key;
  }

  /** The limit that leaves no room for another upload; undefined where there is room. */
  async #limitReached(): Promise<number | undefined> {
    const page = await this.#bucket.list({ prefix: `${this.#account}/`, limit: MAX_UPLOADS });
    if (page.objects.length >= MAX_UPLOADS) return MAX_UPLOADS;
    if (this.#owner === null) return undefined;
    const mine = `/${ownerPart(this.#owner)}`;
    const isFull =
      page.objects.filter(({ key }) => key.endsWith(mine)).length >= MAX_UPLOADS_OF_ONE;
    return isFull ? MAX_UPLOADS_OF_ONE : undefined;
  }

  /** Undefined for what has expired, or was not put there by `keep`. */
  #alive({ key, size, httpMetadata, customMetadata = {} }: R2Object): Upload | undefined {
    const { width, height, created_at: createdAt, expires_at: expiresAt } = customMetadata;
    const sha256 = key.slice(this.#account.length + 1, this.#account.length + 1 + SHA256_DIGITS);
    const [upright, times] = [
      { width: Number(width), height: Number(height) },
      { createdAt: Number(createdAt), expiresAt: Number(expiresAt) },
    ];
    // NaN, where metadata is missing, is after nothing.
    if (!(times.expiresAt > this.#now()) || size > MAX_IMAGE_BYTES) return undefined;
    return {
      id: `img_${sha256}`,
      place: key,
      sha256,
      priced: pricedOf(upright, customMetadata["orientation"]),
      bytes: size,
      size: upright,
      mediaType: httpMetadata?.contentType ?? "application/octet-stream",
      ...times,
    };
  }
}

/** Pixels as stored: kept is the size in which it is seen. */
function pricedOf(upright: Size, stored: string | undefined): PricedPicture | null {
  const orientation = Number(stored);
  if (!(orientation >= 1 && orientation <= 8)) return null;
  // Turning by a quarter twice changes nothing.
  return { ...uprightSize({ ...upright, orientation }), orientation };
}

/** An owner as a part of a place: a subject may have slashes in it. */
function ownerPart(owner: string): string {
  return encodeURIComponent(owner);
}
