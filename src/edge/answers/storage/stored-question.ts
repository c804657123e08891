import type { PricedPicture } from "#domain/image/judge.ts";
import { GrowingFile } from "#wire/body/growing-file.ts";
import { decodeGenerate } from "#wire/function/generate.ts";
import { decodeOrderHead, type OrderHead } from "#wire/function/order.ts";
import type { AskedQuestion, KeptPicture, KeptQuestion } from "../../questions/question-picture.ts";
import { isObjects, type StoredJson, storedJson, unchanged } from "../../storage/stored-json.ts";

/** A kept question as the columns of one row: `MAX_IMAGES` pictures of `INLINE_PICTURE_BYTES`, and a head, are within the 2 MB that it may have. Source: Durable Objects, limits. */
export interface QuestionRow {
  /** The head of the work order, as it is sent. */
  readonly head: ArrayBuffer;
  /** The small pictures one after another, in their order. */
  readonly inline: ArrayBuffer;
  /** Where each picture is, as JSON. */
  readonly places: string;
}

/** Where the file of a picture is, in their order: null where it is among the small ones. */
type StoredPlace =
  | { readonly place: string; readonly priced: PricedPicture }
  | { readonly place: null };

const storedPlaces: StoredJson<readonly StoredPlace[]> = storedJson({
  name: "the places of a question's pictures",
  is: isObjects<StoredPlace>,
  upgrades: [unchanged],
});

/** Writes a question as a row. */
export function questionRow({ head, images }: KeptQuestion): QuestionRow {
  const small = images.flatMap((picture) => (picture.kind === "inline" ? [picture.bytes] : []));
  const places = images.map(
    (picture): StoredPlace =>
      picture.kind === "inline"
        ? { place: null }
        : { place: picture.place, priced: picture.priced },
  );
  return { head: joined([head]), inline: joined(small), places: storedPlaces.write(places) };
}

/** Reads what `questionRow` wrote. Throws where it is refused: what is kept was let in before. */
export function readQuestion(row: QuestionRow): KeptQuestion {
  const head = new Uint8Array(row.head);
  const decoded = decodeOrderHead(head);
  if (!decoded.ok) throw new Error(`a kept question is refused: ${decoded.refusal.kind}`);
  const { pictures, ...asked } = decoded.value;
  return { ...asked, images: imagesOf(pictures, row), head };
}

function imagesOf(pictures: OrderHead["pictures"], { inline, places }: QuestionRow): KeptPicture[] {
  const files = storedPlaces.read(places);
  let from = 0;
  return pictures.map(({ bytes, sha256 }, index) => {
    const file = files[index];
    if (file === undefined) throw new Error("a kept question has pictures without a place");
    if (file.place !== null)
      return { kind: "stored", place: file.place, sha256, bytes, priced: file.priced };
    from += bytes;
    return { kind: "inline", bytes: new Uint8Array(inline, from - bytes, bytes) };
  });
}

/**
 * Reads a question as versions before the third of the hop kept it: the text of its JSON, pictures in base64, in parts that a
 * row could hold. Such a question can be made until a day and an hour after they were replaced; then this goes.
 */
export function readQuestionText(text: string): AskedQuestion {
  const question = decodeGenerate(new TextEncoder().encode(text));
  if (!question.ok) throw new Error(`a kept question is refused: ${question.refusal.kind}`);
  const { messages, options, images } = question.value;
  return {
    messages,
    options,
    images: images.map((bytes) => ({ kind: "arrived", file: GrowingFile.of(bytes) })),
  };
}

/** Where in the bucket of pictures something of it lies. */
export function placesIn(places: string): readonly string[] {
  return storedPlaces.read(places).flatMap(({ place }) => (place === null ? [] : [place]));
}

function joined(files: readonly Uint8Array[]): ArrayBuffer {
  const bytes = new Uint8Array(files.reduce((size, file) => size + file.length, 0));
  let from = 0;
  for (const file of files) {
    bytes.set(file, from);
    from += file.length;
  }
  return bytes.buffer;
}
