import type { JudgedFile, PricedPicture } from "#domain/image/judge.ts";
import type { Question } from "#domain/question.ts";
import type { GrowingFile } from "#wire/body/growing-file.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { encodeOrderHead } from "#wire/function/order.ts";
import { fileDigest } from "./streamed-digest.ts";

/** A picture of a question, by where its file is. */
export type QuestionPicture =
  /** As it arrived, in the Worker that took the request alone: it is gone once it is stored. */
  | { readonly kind: "arrived"; readonly file: GrowingFile }
  /** A small one, kept with its question. */
  | { readonly kind: "inline"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A large one, or an upload, in the bucket of pictures. */
  | {
      readonly kind: "stored";
      readonly place: string;
      /** Hex SHA-256 of the file. */
      readonly sha256: string;
      readonly bytes: number;
      /** As its header said when it was stored. */
      readonly priced: PricedPicture;
    };

/** A question as the edge has it: its pictures are where they are, and nobody decodes them. */
export interface AskedQuestion extends Omit<Question, "images"> {
  readonly images: readonly QuestionPicture[];
}

/** What of a question is said, not shown. */
export type SaidQuestion = Omit<AskedQuestion, "images">;

/** Takes out of whatever has one what is asked beside its pictures: nothing that is asked may get lost on its way. */
export function askedIn({ messages, options, read }: SaidQuestion): SaidQuestion {
  return { messages, options, ...(read === undefined ? {} : { read }) };
}

/** A picture that stays where it is. */
export type KeptPicture = Exclude<QuestionPicture, { kind: "arrived" }>;

/** A question that can be made: its pictures are kept, and its work order is written. */
export interface KeptQuestion extends AskedQuestion {
  readonly images: readonly KeptPicture[];
  /** The head of the work order, as it is kept and sent. */
  readonly head: Uint8Array<ArrayBuffer>;
}

/** Writes the head of a question's work order. */
export async function orderHead({
  images,
  ...said
}: AskedQuestion): Promise<Uint8Array<ArrayBuffer>> {
  const pictures = await Promise.all(
    images.map(async (picture) => ({
      bytes: pictureBytes(picture),
      sha256: await pictureDigest(picture),
    })),
  );
  return encodeOrderHead({ ...askedIn(said), pictures });
}

/** Whether a question is kept: one that an earlier version kept has its pictures at hand, and no work order yet. */
export function isKept(question: AskedQuestion): question is KeptQuestion {
  return "head" in question;
}

/** What a picture is judged and priced by. */
export function judgedFile(picture: QuestionPicture): JudgedFile {
  switch (picture.kind) {
    case "arrived":
      return picture.file;
    case "inline":
      return picture.bytes;
    case "stored":
      return picture.priced;
    default:
      return picture satisfies never;
  }
}

/** Bytes of its file. */
export function pictureBytes(picture: QuestionPicture): number {
  switch (picture.kind) {
    case "arrived":
      return picture.file.byteLength;
    case "inline":
      return picture.bytes.length;
    case "stored":
      return picture.bytes;
    default:
      return picture satisfies never;
  }
}

/** Hex SHA-256 of its file: equal files are equal pictures, however they were sent. */
export async function pictureDigest(picture: QuestionPicture): Promise<string> {
  switch (picture.kind) {
    case "arrived":
      return await fileDigest(picture.file);
    case "inline":
      return await sha256Hex(picture.bytes);
    case "stored":
      return picture.sha256;
    default:
      return picture satisfies never;
  }
}
