import type { AnswerFields } from "#wire/answer-request.ts";
import { encodeBase64 } from "#wire/base64.ts";

/** What to ask. Defaults are the API's. */
export interface Ask extends Omit<AnswerFields, "stream"> {
  /** In the order in which they are spoken of. */
  readonly images?: readonly Picture[];
}

/** A picture file as it is, JPEG, PNG, WebP or GIF; or its https address, or the id of an upload. */
export type Picture =
  | Uint8Array<ArrayBuffer>
  | Blob
  | { readonly url: string }
  | { readonly id: string };

/** Writes a question as a body: a form where files alone travel with it, because there they travel as they are. */
export async function bodyOf({ images = [], ...fields }: Ask): Promise<FormData | string> {
  const files = images.filter(isFile);
  if (files.length === images.length) return formOf(fields, files);
  const sources = images.map(async (image) =>
    isFile(image) ? { data: encodeBase64(await bytesOf(image)) } : image,
  );
  return JSON.stringify({ ...fields, images: await Promise.all(sources) });
}

function formOf(
  { messages, webhook, stop = [], ...fields }: Ask,
  files: readonly (Uint8Array<ArrayBuffer> | Blob)[],
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  if (messages !== undefined) form.append("messages", JSON.stringify(messages));
  if (webhook !== undefined)
    form.append("webhook", typeof webhook === "string" ? webhook : JSON.stringify(webhook));
  for (const text of [stop].flat()) form.append("stop", text);
  for (const file of files) {
    form.append("image", file instanceof Blob ? file : new Blob([file]), "picture");
  }
  return form;
}

function isFile(image: Picture): image is Uint8Array<ArrayBuffer> | Blob {
  return image instanceof Uint8Array || image instanceof Blob;
}

async function bytesOf(file: Uint8Array | Blob): Promise<Uint8Array> {
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
}
