import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { PictureSource } from "#wire/conversation.ts";
import { MAX_BODY_BYTES, MAX_IMAGE_BYTES } from "#wire/limits.ts";
import type { Asker } from "./asker.ts";
import { fetchPicture } from "./picture-fetch.ts";
import { Uploads } from "./uploads.ts";

/** A Worker may have six connections open at once; two are left to whatever else the request needs. */
const MAX_FETCHES = 4;

/** Time for one picture: a slow phone host sends 10 MiB in it. */
const FETCH_TIMEOUT_MS = 10_000;

/** Time for all pictures together, however many there are. */
const PICTURES_TIMEOUT_MS = 20_000;

/** Threat: eight addresses of 10 MiB each in an isolate of 128 MB. As much as one body could have brought along. */
const MAX_PICTURES_BYTES: number = MAX_BODY_BYTES;

/**
 * Gets the file of every picture, in order: as sent, fetched from its address, or uploaded before. The first that cannot
 * be had refuses the question, with its index. `deadlineAt` (milliseconds since 1970) ends fetching early.
 *
 * What an address gave is not remembered: addresses change what they show, and the answer's cache goes by the bytes.
 */
export async function resolvePictures(
  asker: Asker,
  pictures: readonly PictureSource[],
  deadlineAt: number | null = null,
): Promise<Result<readonly Uint8Array[], Failure>> {
  const endsAt = Math.min(Date.now() + PICTURES_TIMEOUT_MS, deadlineAt ?? Number.POSITIVE_INFINITY);
  const room = { bytes: MAX_PICTURES_BYTES };
  const stop = new AbortController();
  const files: Uint8Array[] = [];
  let refusal: Failure | undefined;
  const waiting = pictures.entries();
  const fetchInTurn = async (): Promise<void> => {
    for (const [image, picture] of waiting) {
      const file = await fileOf(asker, picture, { image, room, endsAt, signal: stop.signal });
      if (refusal !== undefined) return;
      if (file.ok) files[image] = file.value;
      else {
        refusal = file.refusal;
        stop.abort(new Error("another picture of the question could not be had"));
        return;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: MAX_FETCHES }, fetchInTurn));
  } finally {
    stop.abort(new Error("the question's pictures are settled"));
  }
  return refusal === undefined ? ok(files) : refuse(refusal);
}

interface PictureTerms {
  readonly image: number;
  /** Bytes that all pictures may still take; whoever reads some takes them off. */
  readonly room: { bytes: number };
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

async function fileOf(
  asker: Asker,
  picture: PictureSource,
  terms: PictureTerms,
): Promise<Result<Uint8Array, Failure>> {
  const { image, room, endsAt, signal } = terms;
  switch (picture.kind) {
    case "file":
      room.bytes -= picture.bytes.length;
      return room.bytes < 0 ? refuse(tooMuch) : ok(picture.bytes);
    case "upload": {
      const { bindings, key } = asker;
      const found = await new Uploads(bindings.IMAGES, key.accountId, Date.now).open(picture.id);
      return found === undefined
        ? refuse({ kind: "image_not_found", image, id: picture.id })
        : await readFile(found.file, terms);
    }
    case "url": {
      const timeoutMs = Math.min(FETCH_TIMEOUT_MS, endsAt - Date.now());
      if (timeoutMs < 1) return refuse({ kind: "image_fetch_timeout", image, seconds: 0 });
      const { url } = picture;
      return await fetchPicture(asker, { image, url, timeoutMs, signal }, (file) =>
        readFile(file, terms),
      );
    }
    default:
      return picture satisfies never;
  }
}

const tooMuch: Failure = {
  kind: "invalid_request",
  problems: [
    {
      pointer: "/images",
      message: `the pictures have more than ${MAX_PICTURES_BYTES} bytes together`,
    },
  ],
};

async function readFile(
  file: ReadableStream<Uint8Array>,
  { image, room }: PictureTerms,
): Promise<Result<Uint8Array, Failure>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of file) {
    size += chunk.length;
    room.bytes -= chunk.length;
    if (size > MAX_IMAGE_BYTES)
      return refuse({ kind: "image_file_too_large", image, limitBytes: MAX_IMAGE_BYTES });
    if (room.bytes < 0) return refuse(tooMuch);
    chunks.push(chunk);
  }
  return ok(concatenated(chunks, size));
}

function concatenated(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
