import * as z from "zod";

/** An uploaded picture: body of `POST /v1/images` and `GET /v1/images/{id}`. */
export interface UploadBody {
  /** `img_` and the hex SHA-256 of the file. */
  readonly id: string;
  readonly object: "image";
  readonly bytes: number;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  readonly media_type: string;
  /** RFC 3339, UTC. */
  readonly created_at: string;
  /** When it can no longer be asked about, unless it is uploaded again. */
  readonly expires_at: string;
}

const exampleUpload: UploadBody = {
  id: "img_9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  object: "image",
  bytes: 184_320,
  width: 1200,
  height: 800,
  media_type: "image/jpeg",
  created_at: "2026-01-02T03:04:05.000Z",
  expires_at: "2026-02-01T03:04:05.000Z",
};

const count = z.int().nonnegative();

/** Schema of the body, for the API's description and for tests that hold replies to it. */
export const uploadSchema: z.ZodType<UploadBody> = z
  .strictObject({
    id: z.string().regex(/^img_[0-9a-f]{64}$/),
    object: z.literal("image"),
    bytes: count,
    width: count.meta({ description: "Pixels across, upright." }),
    height: count.meta({ description: "Pixels down." }),
    media_type: z.string(),
    created_at: z.iso.datetime(),
    expires_at: z.iso
      .datetime()
      .meta({ description: "When it can no longer be asked about, unless it is uploaded again." }),
  })
  .meta({ id: "Upload", example: exampleUpload });
