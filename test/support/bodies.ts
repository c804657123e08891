import type { PictureSource } from "#wire/api/answers/conversation.ts";
import { type JsonBody, JsonBodyReader } from "#wire/body/json-body.ts";
import { boundaryOf, type FormPart, MultipartReader } from "#wire/body/multipart.ts";

/** A JSON body that arrived: of these bytes, or of a value. */
export function jsonBody(value: unknown): JsonBody {
  const reader = new JsonBodyReader();
  reader.write(
    value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value)),
  );
  return reader.end();
}

/** A form that arrived. */
export async function formParts(form: FormData): Promise<readonly FormPart[]> {
  const response = new Response(form);
  const reader = new MultipartReader(boundaryOf(response.headers.get("content-type") ?? "") ?? "");
  reader.write(new Uint8Array(await response.arrayBuffer()));
  const parts = reader.end();
  if (parts === undefined) throw new Error("a form is not well-formed");
  return parts;
}

/** Pictures as a request names them, with the bytes of those that it brings. */
export function shown(
  pictures: readonly PictureSource[],
): (Exclude<PictureSource, { kind: "file" }> | { kind: "file"; bytes: Uint8Array })[] {
  return pictures.map((picture) =>
    picture.kind === "file" ? { kind: "file", bytes: picture.file.toBytes() } : picture,
  );
}
