import * as z from "zod";
import type { ImageBody } from "../api/answers/image-body.ts";
import { isDataUri } from "../body/data-uri.ts";
import { MAX_URL_LENGTH } from "../function/fetch.ts";
import { MAX_IMAGES } from "../limits.ts";

/** How closely a picture is looked at, as OpenAI's APIs name it. */
export type PictureDetail = "low" | "high" | "auto" | "original";

/** Threat: parts without end in one message. Room for every picture with a text before and behind it. */
export const MAX_PARTS: number = 2 * MAX_IMAGES + 1;

export const pictureDetail: z.ZodType<PictureDetail> = z.enum(["low", "high", "auto", "original"]);

/** A data URI or an https address. */
export const pictureUrl: z.ZodType<string> = z
  .string()
  .refine((url) => isDataUri(url) || isAddress(url), {
    error: ({ input }) => notAnAddress(String(input)),
    abort: true,
  })
  .refine(
    (url) => isDataUri(url) || url.length <= MAX_URL_LENGTH,
    `is too long: an address has ${MAX_URL_LENGTH} characters at most`,
  );

/** A picture's address as our own bodies have it. */
export function pictureOf(url: string): ImageBody {
  return isDataUri(url) ? { data: url } : { url };
}

/** One level of detail holds for all pictures of a question: low where none asks for more. */
export function detailOf(details: readonly (PictureDetail | null | undefined)[]): {
  readonly detail?: "low" | "auto";
} {
  if (details.length === 0) return {};
  return { detail: details.every((detail) => detail === "low") ? "low" : "auto" };
}

/** Whether a text names a scheme; which ones are fetched from is for the fetching to say. */
function isAddress(url: string): boolean {
  return /^\s*[a-z][a-z0-9+.-]*:/i.test(url);
}

function notAnAddress(url: string): string {
  if (url.trim() === "") return "is empty: send a data URI or an https address";
  return /^[A-Za-z0-9+/_-]{32}/.test(url)
    ? "is base64 alone: write data:image/png;base64, (or its own media type) before it"
    : "is neither a data URI nor an https address";
}
