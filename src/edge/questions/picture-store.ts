import type { Failure } from "#domain/failure.ts";
import { judgeImages, type PricedPicture, pricedPicture } from "#domain/image/judge.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { GrowingFile } from "#wire/body/growing-file.ts";
import {
  type AskedQuestion,
  isKept,
  type KeptPicture,
  type KeptQuestion,
  orderHead,
  pictureDigest,
  type QuestionPicture,
} from "./question-picture.ts";

/**
 * Up to this size a picture is kept with its question, in one row with it: eight of them are half of what a row may have. A larger
 * one costs a write and a read of the bucket, and no memory of the object that makes its answer.
 */
export const INLINE_PICTURE_BYTES: number = 128 * 1024;

/** Where pictures are bound. */
export interface PicturesBinding {
  /** Pictures of questions, by their owner and digest, and uploads. */
  readonly IMAGES: R2Bucket;
}

/** Beside the uploads, which lie under their account's name: nobody has an account named so. */
const FOLDER = "work";

/** Whose pictures are kept: the answer's or the batch's that they are deleted with. */
export interface PictureOwner {
  readonly accountId: string;
  /** Of the answer or the batch. */
  readonly id: string;
}

/**
 * Keeps the pictures of a question for as long as it may be made or replayed: the small ones with it, the others in the
 * bucket under their owner and digest. Each owner has its own: deleting one's leaves all others', and no account can find
 * out what another has sent. What is stored for a question that then is not taken on is deleted by the bucket's lifecycle
 * rule (infra/storage/README.md). Rejects where the bucket cannot be reached.
 *
 * `kept`: what was kept of the same owner's files before, which other questions bring as well; without it each file is let go
 * of as it is stored.
 */
export async function keepPictures(
  bucket: R2Bucket,
  owner: PictureOwner,
  question: AskedQuestion,
  kept?: KeptFiles,
): Promise<KeptQuestion> {
  const images: KeptPicture[] = [];
  // One after another: several at once are in memory until the last of them is stored.
  for (const picture of question.images) images.push(await keepOnce(bucket, owner, picture, kept));
  return { ...question, images, head: await orderHead({ ...question, images }) };
}

/** Files that several questions of one owner bring. */
export type KeptFiles = Map<GrowingFile, Promise<KeptPicture>>;

async function keepOnce(
  bucket: R2Bucket,
  owner: PictureOwner,
  picture: QuestionPicture,
  kept: KeptFiles | undefined,
): Promise<KeptPicture> {
  if (kept === undefined || picture.kind !== "arrived")
    return await keepPicture(bucket, owner, picture, false);
  const keeping = kept.get(picture.file) ?? keepPicture(bucket, owner, picture, true);
  kept.set(picture.file, keeping);
  return await keeping;
}

/**
 * As `keepPictures`, of a question that most likely is kept already. One of an earlier version stays as it is: it is sent once
 * more where a function refuses it or dies.
 */
export async function keptQuestion(
  bucket: R2Bucket,
  owner: PictureOwner,
  question: AskedQuestion,
): Promise<KeptQuestion> {
  return isKept(question) ? question : await keepPictures(bucket, owner, question, new Map());
}

async function keepPicture(
  bucket: R2Bucket,
  owner: PictureOwner,
  picture: QuestionPicture,
  isShared: boolean,
): Promise<KeptPicture> {
  if (picture.kind === "inline") return picture;
  const sha256 = await pictureDigest(picture);
  const place = `${folderOf(owner)}${sha256}`;
  if (picture.kind === "stored") {
    if (picture.place === place) return picture;
    return { ...picture, place: await copy(bucket, picture, place) };
  }
  const { file } = picture;
  const bytes = file.byteLength;
  if (bytes <= INLINE_PICTURE_BYTES) return { kind: "inline", bytes: file.toBytes() };
  const priced = pricedFile(file);
  await putFile(bucket, place, file, { isShared, options: { sha256 } });
  return { kind: "stored", place, sha256, bytes, priced };
}

/** A stored picture has been judged: what its header says is kept, and not read again. */
function pricedFile(file: GrowingFile): PricedPicture {
  const judged = judgeImages([file]);
  const [header] = judged.ok ? judged.value : [];
  if (header === undefined) throw new Error("a picture is kept that was not let in");
  return pricedPicture(header);
}

/** Puts a file into the bucket as a stream of its pieces: given whole, the runtime would copy it first. */
export async function putFile(
  bucket: R2Bucket,
  place: string,
  file: GrowingFile,
  { isShared, options }: { readonly isShared: boolean; readonly options: R2PutOptions },
): Promise<void> {
  const { readable, writable } = new FixedLengthStream(file.byteLength);
  const written = writeAll(writable, isShared ? file.pieces() : file.drain());
  await Promise.all([bucket.put(place, readable, options), written]);
}

async function writeAll(
  writable: WritableStream<Uint8Array>,
  pieces: Iterable<Uint8Array>,
): Promise<void> {
  const writer = writable.getWriter();
  try {
    for (const piece of pieces) await writer.write(piece);
    await writer.close();
  } catch (cause) {
    await writer.abort(cause).catch(() => undefined);
    throw cause;
  }
}

/** An upload may be deleted while answers that were asked about it are made or replayed, so they have a file of their own. */
async function copy(
  bucket: R2Bucket,
  { place: from, bytes, sha256 }: Extract<QuestionPicture, { kind: "stored" }>,
  to: string,
): Promise<string> {
  if ((await bucket.head(to)) !== null) return to;
  const object = await bucket.get(from);
  if (object === null) throw new Error(`the picture at ${from} is gone`);
  const { readable, writable } = new FixedLengthStream(bytes);
  await Promise.all([bucket.put(to, readable, { sha256 }), object.body.pipeTo(writable)]);
  return to;
}

/** Deletes of these pictures an owner's own: those of a batch are its items' together. Rejects where the bucket cannot be reached. */
export async function deletePictures(
  bucket: R2Bucket,
  owner: PictureOwner,
  places: readonly string[],
): Promise<void> {
  const own = places.filter((place) => place.startsWith(folderOf(owner)));
  if (own.length > 0) await bucket.delete(own);
}

/** Deletes what all an owner's questions had in the bucket. Rejects where the bucket cannot be reached; repeating it changes nothing. */
export async function forgetPictures(bucket: R2Bucket, owner: PictureOwner): Promise<void> {
  for (;;) {
    const { objects, truncated } = await bucket.list({ prefix: folderOf(owner) });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    if (!truncated) return;
  }
}

function folderOf({ accountId, id }: PictureOwner): string {
  return `${FOLDER}/${accountId}/${id}/`;
}

/**
 * Writes a question's pictures one after another. Refuses, before a byte is written, with `image_not_found` where one is
 * gone from the bucket: it was deleted by hand, or its question outlived the bucket's rule.
 */
export async function openPictures(
  bucket: R2Bucket,
  images: readonly KeptPicture[],
): Promise<Result<(writable: WritableStream<Uint8Array>) => Promise<void>, Failure>> {
  for (const [image, picture] of images.entries()) {
    if (picture.kind !== "stored" || (await bucket.head(picture.place)) !== null) continue;
    return refuse({ kind: "image_not_found", image, id: `img_${picture.sha256}` });
  }
  return ok(async (writable) => {
    for (const picture of images) {
      if (picture.kind === "inline") await writeBytes(writable, picture.bytes);
      else await pipePicture(bucket, picture.place, writable);
    }
  });
}

async function pipePicture(
  bucket: R2Bucket,
  place: string,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  const object = await bucket.get(place);
  if (object === null) throw new Error(`the picture at ${place} is gone`);
  await object.body.pipeTo(writable, { preventClose: true });
}

async function writeBytes(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(bytes);
  writer.releaseLock();
}
