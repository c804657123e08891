import type { Failure } from "#domain/failure.ts";
import type { PricedPicture } from "#domain/image/judge.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { PictureSource } from "#wire/api/answers/conversation.ts";
import { GrowingFile } from "#wire/body/growing-file.ts";
import { MAX_BODY_BYTES, MAX_IMAGE_BYTES } from "#wire/limits.ts";
import type { CallerContext } from "../caller-context.ts";
import { viewerOf } from "../keys/viewer.ts";
import type { QuestionPicture } from "../questions/question-picture.ts";
import { fetchPicture } from "./picture-fetch.ts";
import { type Upload, Uploads, type UploadsBinding } from "./uploads.ts";

/** A picture as a question names it: from outside, or at hand already. */
export type AskedPicture =
  | PictureSource
  | { readonly kind: "kept"; readonly picture: QuestionPicture };

/** A Worker may have six connections open at once; two are left to whatever else the request needs. */
const MAX_FETCHES = 4;

/** Time for one picture: a slow phone host sends 10 MiB in it. */
const FETCH_TIMEOUT_MS = 10_000;

/** Time for all pictures together, however many there are. */
const PICTURES_TIMEOUT_MS = 20_000;

/** Threat: eight addresses of 10 MiB each in an isolate of 128 MB. As much as one body could have brought along. */
const MAX_PICTURES_BYTES: number = MAX_BODY_BYTES;

/**
 * Gets every picture, in order: as sent, fetched from its address, or uploaded before, which then is looked up and not read. The first that cannot
 * be had refuses the question, with its index. `deadlineAt` (milliseconds since 1970) ends fetching early.
 *
 * What an address gave is not remembered: addresses change what they show, and the answer's cache goes by the bytes.
 */
export async function resolvePictures(
  caller: CallerContext<UploadsBinding>,
  pictures: readonly AskedPicture[],
  deadlineAt: number | null = null,
): Promise<Result<readonly QuestionPicture[], Failure>> {
  const endsAt = Math.min(Date.now() + PICTURES_TIMEOUT_MS, deadlineAt ?? Number.POSITIVE_INFINITY);
  const room = { bytes: MAX_PICTURES_BYTES };
  const stop = new AbortController();
  const found: QuestionPicture[] = [];
  let refusal: Failure | undefined;
  const waiting = pictures.entries();
  const fetchInTurn = async (): Promise<void> => {
    for (const [image, picture] of waiting) {
      const one = await find(caller, picture, { image, room, endsAt, signal: stop.signal });
      if (refusal !== undefined) return;
      if (one.ok) found[image] = one.value;
      else {
        refusal = one.refusal;
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
  return refusal === undefined ? ok(found) : refuse(refusal);
}

interface PictureTerms {
  readonly image: number;
  /** Bytes that all pictures may still take; each picture takes off what it has read. */
  readonly room: { bytes: number };
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

async function find(
  caller: CallerContext<UploadsBinding>,
  picture: AskedPicture,
  terms: PictureTerms,
): Promise<Result<QuestionPicture, Failure>> {
  const { image, room, endsAt, signal } = terms;
  switch (picture.kind) {
    case "file":
      room.bytes -= picture.file.byteLength;
      return room.bytes < 0 ? refuse(tooMuch) : ok({ kind: "arrived", file: picture.file });
    case "kept":
      return ok(picture.picture);
    case "upload":
      return await findUpload(caller, picture.id, terms);
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
async function findUpload(
  caller: CallerContext<UploadsBinding>,
  id: string,
  terms: PictureTerms,
): Promise<Result<QuestionPicture, Failure>> {
  const { bindings, key, clientToken } = caller;
  const { image, endsAt } = terms;
  const timeoutMs = Math.max(0, Math.min(FETCH_TIMEOUT_MS, endsAt - Date.now()));
  const timer = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([caller.signal, terms.signal, timer]);
  try {
    const uploads = new Uploads(bindings.IMAGES, viewerOf(key, clientToken), Date.now);
    const upload = await until(signal, uploads.find(id));
    if (upload === undefined) return refuse({ kind: "image_not_found", image, id });
    if (upload.priced !== null) return storedPicture(upload, upload.priced, terms);
    // Uploaded before its orientation was written down: its header is read again.
    const opened = await until(signal, uploads.open(id));
    if (opened === undefined) return refuse({ kind: "image_not_found", image, id });
    return await readFile(endingWith(signal, opened.file), terms);
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

function storedPicture(
  { place, sha256, bytes }: Upload,
  priced: PricedPicture,
  { room }: PictureTerms,
): Result<QuestionPicture, Failure> {
  room.bytes -= bytes;
  return room.bytes < 0 ? refuse(tooMuch) : ok({ kind: "stored", place, sha256, bytes, priced });
}

async function readFile(
  chunks: AsyncIterable<Uint8Array>,
  { image, room }: PictureTerms,
): Promise<Result<QuestionPicture, Failure>> {
  const file = new GrowingFile();
  for await (const chunk of chunks) {
    room.bytes -= chunk.length;
    if (file.byteLength + chunk.length > MAX_IMAGE_BYTES)
      return refuse({ kind: "image_file_too_large", image, limitBytes: MAX_IMAGE_BYTES });
    if (room.bytes < 0) return refuse(tooMuch);
    file.append(chunk);
  }
  return ok({ kind: "arrived", file });
}
