import { createHash } from "node:crypto";
import path from "node:path";
import { readPictureText } from "#client/ask.ts";
import { type Members, RowFault, type TestPicture } from "./test-question.ts";
import { literalList } from "./values.ts";

/** Where pictures that a test set only points to are found. */
export interface PicturePlaces {
  /** Absolute: what paths start from. */
  readonly folder: string;
  /** Absolute: where pictures at addresses are kept; absent, there may be none. */
  readonly kept: string | undefined;
}

/** A picture as a row names it. */
export type NamedPicture =
  | TestPicture
  /** At an address, kept as that file. */
  | { readonly kind: "address"; readonly address: string; readonly path: string }
  /** That of another row of the table, by its id: VLMEvalKit writes a picture once. */
  | { readonly kind: "row"; readonly id: string };

/** VLMEvalKit takes a cell of at most this many characters for the index of the row that has the picture. Source: its `ImageBaseDataset`. */
const MAX_REFERENCE = 64;

/** How base64 of a JPEG, PNG, GIF, WebP or AVIF begins. */
const BASE64_HEAD = /^\s*(?:\/9j\/|iVBORw0KGgo|R0lGOD|UklGR|AAAA[A-Za-z0-9+/]{2}Z0eXB)/;

/** Reads the pictures of a cell: bytes, `{bytes, path}` of Hugging Face, base64, data URI, path, address, or a list of these. */
export function picturesOf(
  value: unknown,
  name: string,
  places: PicturePlaces,
  isText: boolean,
): readonly NamedPicture[] {
  if (value === undefined || value === null || value === "") return [];
  if (Array.isArray(value)) return value.flatMap((one) => picturesOf(one, name, places, isText));
  if (value instanceof Uint8Array) return [{ kind: "bytes", bytes: new Uint8Array(value) }];
  if (typeof value === "object") return heldBy({ ...value }, name, places);
  if (typeof value === "number" || typeof value === "bigint")
    return [{ kind: "row", id: String(value) }];
  if (typeof value !== "string") throw new RowFault(`"${name}" is no picture`);
  const list = isText ? literalList(value) : undefined;
  if (list !== undefined) return list.flatMap((one) => pictureOf(one, places, isText));
  return [pictureOf(value, places, isText)];
}

function heldBy(held: Members, name: string, places: PicturePlaces): readonly NamedPicture[] {
  const { bytes, path: file, src, url } = held;
  if (bytes instanceof Uint8Array) return [{ kind: "bytes", bytes: new Uint8Array(bytes) }];
  const text = [bytes, src, url, file].find((one) => typeof one === "string" && one !== "");
  if (typeof text !== "string") throw new RowFault(`"${name}" holds neither bytes nor a path`);
  return [pictureOf(text, places, false)];
}

function pictureOf(source: string, places: PicturePlaces, isText: boolean): NamedPicture {
  if (/^https?:\/\//i.test(source)) return atAddress(source, places);
  if (/^\s*data:/i.test(source) || BASE64_HEAD.test(source)) {
    // A test set is the user's own file: how large its pictures may be is for the model to say.
    const read = readPictureText(source, Number.POSITIVE_INFINITY);
    if (!read.ok) throw new RowFault(`the picture ${read.refusal.message}`);
    return { kind: "bytes", bytes: read.value.toBytes() };
  }
  if (isText && source.length <= MAX_REFERENCE && /^\d+$/.test(source))
    return { kind: "row", id: source };
  return { kind: "file", path: path.resolve(places.folder, source) };
}

function atAddress(address: string, { kept }: PicturePlaces): NamedPicture {
  // A score must be repeatable, and what lies at an address changes or goes.
  if (kept === undefined)
    throw new RowFault(
      `the picture ${address.slice(0, 80)} is an address: --keep-pictures DIR fetches it once and keeps it there, or save it beside the file`,
    );
  if (!URL.canParse(address))
    throw new RowFault(`the picture ${address.slice(0, 80)} is no address`);
  const name = createHash("sha256").update(address).digest("hex").slice(0, 32);
  return { kind: "address", address, path: path.join(kept, name) };
}
