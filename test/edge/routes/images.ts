import { env } from "cloudflare:workers";
import { type UploadBody, uploadSchema } from "#wire/api/answers/images.ts";
import { png } from "../../support/image-files.ts";
import { ask } from "../function-double.ts";

/** A picture file that nobody else has: its size is its name. */
export function picture(width: number, height = 8): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(png(width, height));
}

/** Uploads a file as it is. */
export async function upload(
  body: BodyInit,
  { key = env.TEST_API_KEY, type = "image/png" } = {},
): Promise<Response> {
  return await ask("/v1/images", {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${key}`, "content-type": type },
  });
}

/** Uploads a file and reads what is known of it. */
export async function uploaded(body: BodyInit, key?: string): Promise<UploadBody> {
  const response = await upload(body, key === undefined ? {} : { key });
  return uploadSchema.parse(await response.json());
}
