import type { AnswerFields, MessageBody } from "#wire/api/answers/answer-request.ts";
import type { ImageBody } from "#wire/api/answers/image-body.ts";
import type { ScoreRequestBody } from "#wire/api/answers/scores/score-request.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { deferred, hasStreams } from "./platform.ts";

export { readPictureText } from "#wire/body/data-uri.ts";

/** What to ask. Defaults are the API's. */
export interface Ask extends Omit<AnswerFields, "stream" | "messages"> {
  readonly messages?: readonly AskMessage[];
  /** In the order in which they are spoken of; they stand before the user's first message. */
  readonly images?: readonly Picture[];
}

/** What is to be scored: a question as in `Ask`, and the answers of which it is told how likely the model is to give each. */
export interface ScoresAsk extends Omit<ScoreRequestBody, "messages" | "image" | "images"> {
  readonly messages?: readonly AskMessage[];
  readonly images?: readonly Picture[];
}

/** A turn of a conversation; a user's may bring pictures of its own. */
export interface AskMessage extends Omit<MessageBody, "images"> {
  readonly images?: readonly Picture[];
}

/** A picture file as it is, JPEG, PNG, WebP, GIF or AVIF; or as base64 or a data URI; or its https address, or the id of an upload. */
export type Picture =
  | Uint8Array<ArrayBuffer>
  | Blob
  | { readonly data: string }
  | { readonly url: string }
  | { readonly id: string };

/** Writes a question as a body: a form where files alone travel with it, because there they travel as they are. */
export async function bodyOf({
  images = [],
  messages,
  ...fields
}: Ask): Promise<FormData | string> {
  const files = images.filter(isFile);
  const areShown = messages?.some((message) => message.images !== undefined) === true;
  const isForm = hasStreams() && files.length === images.length && !areShown;
  return isForm
    ? formOf({ ...fields, ...(await saidIn(messages)) }, files)
    : await jsonOf({ ...fields, ...(messages === undefined ? {} : { messages }), images });
}

/** Writes a question as JSON, with its pictures in it. */
export async function jsonOf({
  images = [],
  messages,
  ...fields
}: Ask | ScoresAsk): Promise<string> {
  const shown = images.length === 0 ? {} : { images: await sourcesOf(images) };
  return JSON.stringify({ ...fields, ...(await saidIn(messages)), ...shown });
}

async function saidIn(
  messages: readonly AskMessage[] | undefined,
): Promise<{ readonly messages?: readonly MessageBody[] }> {
  return messages === undefined ? {} : { messages: await Promise.all(messages.map(saidOf)) };
}

async function saidOf({ images, ...message }: AskMessage): Promise<MessageBody> {
  return images === undefined ? message : { ...message, images: await sourcesOf(images) };
}

async function sourcesOf(images: readonly Picture[]): Promise<ImageBody[]> {
  return await Promise.all(
    images.map(async (image) => (isFile(image) ? { data: await textOf(image) } : image)),
  );
}

function formOf(
  { messages, webhook, stop = [], ...fields }: AnswerFields,
  files: readonly (Uint8Array<ArrayBuffer> | Blob)[],
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
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

async function textOf(file: Uint8Array | Blob): Promise<string> {
  if (file instanceof Uint8Array) return encodeBase64(file);
  if (hasStreams()) return encodeBase64(new Uint8Array(await file.arrayBuffer()));
  // React Native's files have no bytes to read, but can be written as a data URI, which the API reads too.
  const { promise, resolve, reject } = deferred<string>();
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve(String(reader.result)));
  reader.addEventListener("error", () => reject(reader.error));
  reader.readAsDataURL(file);
  return await promise;
}
