import type { Picture } from "#playground/pictures/picture.ts";

let count = 0;

/** A picture of a draft: a file, or an address. */
export function picture(
  from: { readonly file: Blob; readonly sample?: string } | { readonly url: string },
): Picture {
  count += 1;
  const isFile = "file" in from;
  return {
    id: count,
    name: "picture",
    file: isFile ? `picture-${count}.png` : null,
    sample: isFile ? (from.sample ?? null) : null,
    source: isFile ? from.file : { url: from.url },
    original: isFile ? from.file : null,
    preview: null,
    sizes: null,
  };
}
