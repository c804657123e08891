import type { Ask } from "#client/ask.ts";
import { askOf, type Draft } from "../asking/draft.ts";

/** A request as a program of another language is to send it. */
export interface ShownRequest {
  /** Where the API is, without a slash at its end. */
  readonly baseUrl: string;
  /** Everything but the pictures, in the API's own names. */
  readonly fields: Fields;
  readonly pictures: readonly ShownPicture[];
}

export type Fields = Omit<Ask, "images">;

export type ShownPicture =
  /** A file beside the program. */
  | { readonly kind: "file"; readonly file: string; readonly type: string }
  | { readonly kind: "url"; readonly url: string };

/** Writes a request in one language. The key is never in it: it is read from the variable UNMASK_KEY. */
export type Writer = (request: ShownRequest) => string;

/** What a draft asks, for those who write it down. */
export function shownRequest(draft: Draft, baseUrl: string): ShownRequest {
  const { images: _images, ...fields } = askOf(draft);
  const pictures = draft.pictures.map(({ file, source }): ShownPicture => {
    if (!(source instanceof Blob)) return { kind: "url", url: source.url };
    return { kind: "file", file: file ?? "picture", type: source.type };
  });
  return { baseUrl, fields, pictures };
}
