import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { PictureSource } from "#wire/api/answers/conversation.ts";
import { MAX_BODY_BYTES, MAX_IMAGE_BYTES } from "#wire/limits.ts";
import type { CallerContext } from "../caller-context.ts";
import { viewerOf } from "../keys/viewer.ts";
import { fetchPicture } from "./picture-fetch.ts";
import { Uploads, type UploadsBinding } from "./uploads.ts";

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
  caller: CallerContext<UploadsBinding>,
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
      const file = await fileOf(caller, picture, { image, room, endsAt, signal: stop.signal });
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
  /** Bytes that all pictures may still take; each picture takes off what it has read. */
  readonly room: { bytes: number };
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

async function fileOf(
  caller: CallerContext<UploadsBinding>,
  picture: PictureSource,
  terms: PictureTerms,
): Promise<Result<Uint8Array, Failure>> {
  const { image, room, endsAt, signal } = terms;
  switch (picture.kind) {
    case "file":
      room.bytes -= picture.bytes.length;
      return room.bytes < 0 ? refuse(tooMuch) : ok(picture.bytes);
    case "upload": {
      return await readUpload(caller, picture.id, terms);
    }
    case "url": {
      const timeoutMs = Math.min(FETCH_TIMEOUT_MS, endsAt - Date.now());
      if (timeoutMs < 1) return refuse({ kind: "image_fetch_timeout", image, seconds: 0 });
      const { url } = picture;
      return await fetchPicture(caller, { image, url, timeoutMs, signal }, (file) =>
        readFile(file, terms),
      );
    }
    default:
      return picture satisfies never;
  }
}

/** An object store that hangs holds a request up no longer than a picture's host may. */
async function readUpload(
  caller: CallerContext<UploadsBinding>,
  id: string,
  terms: PictureTerms,
): Promise<Result<Uint8Array, Failure>> {
  const { bindings, key, clientToken } = caller;
  const { image, endsAt } = terms;
  const timeoutMs = Math.max(0, Math.min(FETCH_TIMEOUT_MS, endsAt - Date.now()));
  const timer = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([caller.signal, terms.signal, timer]);
  try {
    const uploads = new Uploads(bindings.IMAGES, viewerOf(key, clientToken), Date.now);
    const found = await until(signal, uploads.open(id));
    if (found === undefined) return refuse({ kind: "image_not_found", image, id });
    return await readFile(endingWith(signal, found.file), terms);
  } catch (cause) {
    caller.signal.throwIfAborted();
    // Another picture of the request was refused: this one's outcome is not read.
    if (terms.signal.aborted) return refuse({ kind: "internal" });
    if (timer.aborted)
      return refuse({ kind: "image_fetch_timeout", image, seconds: timeoutMs / 1000 });
    throw new Error("an uploaded picture could not be read", { cause });
  }
}

/** What a call of R2 comes to, unless the signal is aborted before: it takes none of its own. */
async function until<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A stream that breaks off when the signal is aborted, even in the middle of a chunk that never comes. */
async function* endingWith(
  signal: AbortSignal,
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await until(signal, reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // Not waited for: what hangs while it is read may hang while it is cancelled.
    void reader.cancel().catch(() => undefined);
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
  file: AsyncIterable<Uint8Array>,
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
