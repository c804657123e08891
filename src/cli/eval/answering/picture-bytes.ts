import { readFile } from "node:fs/promises";
import { readImageHeader } from "#domain/image/header.ts";
import type { TestPicture } from "../files/test-question.ts";

/** The file of a picture. */
export async function pictureBytes(picture: TestPicture): Promise<Uint8Array<ArrayBuffer>> {
  switch (picture.kind) {
    case "file":
      return new Uint8Array(await readFile(picture.path));
    case "bytes":
      return picture.bytes;
    default:
      throw new TypeError(`no such picture: ${picture satisfies never}`);
  }
}

/** A picture's file as a data URI, with the type that its bytes say; undefined where they are no JPEG, PNG, WebP, GIF or AVIF. */
export function dataUriOf(bytes: Uint8Array): string | undefined {
  const header = readImageHeader(bytes);
  if (!header.ok) return undefined;
  return `data:image/${header.value.type};base64,${Buffer.from(bytes).toString("base64")}`;
}
