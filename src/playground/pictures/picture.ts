import type { Picture as Source } from "#client/ask.ts";

let count = 0;

/** Numbers pictures in the order in which they are chosen. */
export function nextPictureId(): number {
  count += 1;
  return count;
}

/** A picture that is on its way: being loaded, or made small. */
export interface Arrival {
  readonly id: number;
  readonly name: string;
}

/** A picture of the question, as it is sent. */
export interface Picture {
  /** Tells pictures apart, also two of one file; rises in the order in which they were chosen. */
  readonly id: number;
  /** What a person knows it by. */
  readonly name: string;
  /** The name that the snippets give it, and under which it can be saved: `picture-1.png`. Null for an address. */
  readonly file: string | null;
  /** Its name among the page's samples; null for a picture of the person's own. */
  readonly sample: string | null;
  /** A file as it is sent, or an address that the service fetches itself. */
  readonly source: Extract<Source, Blob | { readonly url: string }>;
  /** The file as it was chosen, for a model that looks at larger ones; null for an address. */
  readonly original: Blob | null;
  /** What to show of it; null for an address, which this page does not load. */
  readonly preview: string | null;
  /** Null for an address: only the service sees it. */
  readonly sizes: Sizes | null;
}

/** A picture's size before it was made small, and after. */
export interface Sizes {
  readonly before: Extent;
  readonly after: Extent;
}

export interface Extent {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

/** Media types that the service reads. */
const endings: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "image/gif": "gif",
  "image/avif": "avif",
};

/** How a file of this type is named; undefined where the service does not read it. */
export function endingOf(type: string): string | undefined {
  return Object.hasOwn(endings, type) ? endings[type] : undefined;
}
