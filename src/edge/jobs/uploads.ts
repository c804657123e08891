import { type ImageHeader, uprightSize } from "#domain/image/header.ts";
import type { Size } from "#domain/image/layout.ts";
import { sha256Hex } from "#wire/digest.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";

/** A picture that was uploaded to be asked about more than once. Times are milliseconds since 1970. */
export interface Upload {
  /** `img_` and the hex SHA-256 of the file: equal files have equal ids, within their account. */
  readonly id: string;
  readonly bytes: number;
  /** Pixels, upright. */
  readonly size: Size;
  readonly mediaType: string;
  /** When it was uploaded first, of late. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/**
 * How long an upload can be asked about after it was uploaded last: longer than anybody works on one picture, short
 * enough that forgotten ones cost nothing. The bucket's lifecycle rule deletes a day later: infra/storage/README.md.
 */
export const UPLOAD_LIFETIME_MS: number = 30 * 86_400_000;

/** Threat: free storage without end. A thousand pictures are 10 GB at most, and one page of R2's list counts them. */
export const MAX_UPLOADS = 1000;

const idShape = /^img_([0-9a-f]{64})$/;

/** The uploads of one account, in R2 under `<account>/<sha256>`. Another account's id is unknown here. Rejects where R2 cannot be reached. */
export class Uploads {
  readonly #bucket: R2Bucket;
  readonly #account: string;
  readonly #now: () => number;

  constructor(bucket: R2Bucket, accountId: string, now: () => number) {
    this.#bucket = bucket;
    this.#account = accountId;
    this.#now = now;
  }

  async find(id: string): Promise<Upload | undefined> {
    const place = this.#placeOf(id);
    const object = place === undefined ? null : await this.#bucket.head(place);
    return object === null ? undefined : this.#alive(object);
  }

  /** Its file, to be read or cancelled. */
  async open(
    id: string,
  ): Promise<{ readonly upload: Upload; readonly file: ReadableStream } | undefined> {
    const place = this.#placeOf(id);
    const object = place === undefined ? null : await this.#bucket.get(place);
    if (object === null) return undefined;
    const upload = this.#alive(object);
    if (upload !== undefined) return { upload, file: object.body };
    await object.body.cancel();
    return undefined;
  }

  /** Keeps a picture, or an equal one for longer. Undefined where the account has `MAX_UPLOADS` others. */
  async keep(
    file: Uint8Array<ArrayBuffer>,
    header: ImageHeader,
  ): Promise<{ readonly upload: Upload; readonly isNew: boolean } | undefined> {
    const sha256 = await sha256Hex(file);
    const known = await this.find(`img_${sha256}`);
    if (known === undefined && (await this.#count()) >= MAX_UPLOADS) return undefined;
    const now = this.#now();
    const { width, height } = uprightSize(header);
    const upload: Upload = {
      id: `img_${sha256}`,
      bytes: file.length,
      size: { width, height },
      mediaType: `image/${header.type}`,
      createdAt: known?.createdAt ?? now,
      expiresAt: now + UPLOAD_LIFETIME_MS,
    };
    await this.#bucket.put(`${this.#account}/${sha256}`, file, {
      sha256,
      httpMetadata: { contentType: upload.mediaType },
      customMetadata: {
        width: String(width),
        height: String(height),
        created_at: String(upload.createdAt),
        expires_at: String(upload.expiresAt),
      },
    });
    return { upload, isNew: known === undefined };
  }

  /** Returns whether there was one. */
  async remove(id: string): Promise<boolean> {
    const place = this.#placeOf(id);
    if (place === undefined || (await this.find(id)) === undefined) return false;
    await this.#bucket.delete(place);
    return true;
  }

  #placeOf(id: string): string | undefined {
    const sha256 = idShape.exec(id)?.[1];
    return sha256 === undefined ? undefined : `${this.#account}/${sha256}`;
  }

  async #count(): Promise<number> {
    const page = await this.#bucket.list({ prefix: `${this.#account}/`, limit: MAX_UPLOADS });
    return page.objects.length;
  }

  /** Undefined for what has expired, or was not put there by `keep`. */
  #alive({ key, size, httpMetadata, customMetadata = {} }: R2Object): Upload | undefined {
    const { width, height, created_at: createdAt, expires_at: expiresAt } = customMetadata;
    const [upright, times] = [
      { width: Number(width), height: Number(height) },
      { createdAt: Number(createdAt), expiresAt: Number(expiresAt) },
    ];
    // NaN, where metadata is missing, is after nothing.
    if (!(times.expiresAt > this.#now()) || size > MAX_IMAGE_BYTES) return undefined;
    return {
      id: `img_${key.slice(this.#account.length + 1)}`,
      bytes: size,
      size: upright,
      mediaType: httpMetadata?.contentType ?? "application/octet-stream",
      ...times,
    };
  }
}
