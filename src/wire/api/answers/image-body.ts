import * as z from "zod";
import { isDataUri } from "../../body/data-uri.ts";
import { MAX_URL_LENGTH } from "../../function/fetch.ts";
import { MAX_IMAGES, MAX_NAME_LENGTH } from "../../limits.ts";

/** A picture file as base64 or as a `data:` URI, its https address, or the id of an upload; plain text stands for `{data}`. */
export type ImageBody =
  | string
  | { readonly data: string }
  | { readonly url: string }
  | { readonly id: string };

// How long the text of a picture may be is the body's limit; what it stands for is measured when it is read.
const pictureText = z.string();
const address = z
  .string()
  .min(1)
  .refine((url) => !isDataUri(url), {
    error: "is a data URI and no address; send it as {data} in place of {url}",
    abort: true,
  })
  .max(MAX_URL_LENGTH, `is too long: an address has ${MAX_URL_LENGTH} characters at most`);
/** What a list of more pictures is told. */
export const tooManyPictures: string = `holds more pictures than ${MAX_IMAGES}, the most of one question`;

export const imageBodySchema: z.ZodType<ImageBody> = z.union([
  pictureText,
  z.strictObject({ data: pictureText }),
  z.strictObject({ url: address }),
  z.strictObject({ id: z.string().min(1).max(MAX_NAME_LENGTH) }),
]);
