import type { Failure, FieldProblem } from "#domain/failure.ts";
import { type Message, picturesByMessage } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { GrowingFile } from "../../body/growing-file.ts";
import type { JsonBody } from "../../body/json-body.ts";
import {
  MAX_FIELD_PROBLEMS,
  MAX_IMAGE_BYTES,
  MAX_IMAGES,
  MAX_MESSAGES,
  MAX_TEXT_BYTES,
} from "../../limits.ts";
import type { AnswerFields, MessageBody } from "./answer-request.ts";
import type { ImageBody } from "./image-body.ts";

/** Where a picture comes from. */
export type PictureSource =
  | { readonly kind: "file"; readonly file: GrowingFile }
  | { readonly kind: "url"; readonly url: string }
  /** `id`: of an upload, `img_…`. */
  | { readonly kind: "upload"; readonly id: string };

/** What is said and shown. */
export interface Conversation {
  /** Ends with the user's message. Those that say and show nothing are gone, as the reference's template leaves them out. */
  readonly messages: readonly Message[];
  /** In the order of the messages that bring them. */
  readonly pictures: readonly PictureSource[];
}

/** What was said and shown before the messages of a body, and is kept where it was said. */
export interface EarlierTurns {
  readonly messages: readonly Message[];
  /** How many pictures they bring, which come before those of the body. */
  readonly pictures: number;
  /** How many of the body's messages stand before them: instructions that hold for all. */
  readonly behind: number;
}

/** Reads the picture that a text of the body stands for: the body has read it already where it is a long one. */
export type PictureReader = JsonBody["picture"];

/**
 * Reads question or messages, with the pictures that were sent `beside` them, as what goes on from `earlier` turns. Beside fields
 * they are what is said about the pictures: it may be nothing, and the last message is there all the same. Refuses with
 * `invalid_request`, which names each fault by JSON Pointer, and as `readImages` does.
 */
export function readConversation(
  { question, messages, fields }: Pick<AnswerFields, "question" | "messages" | "fields">,
  beside: readonly PictureSource[],
  pictureOf: PictureReader,
  earlier: EarlierTurns = noTurns,
): Result<Conversation, Failure> {
  if (question !== undefined && messages !== undefined)
    return refuseFields([{ pointer: "/messages", message: "give question or messages, not both" }]);
  const pointer = messages === undefined ? "/question" : "/messages";
  const unsaid = fields === undefined || messages !== undefined ? undefined : "";
  const alone = question ?? unsaid;
  const said: readonly MessageBody[] =
    alone === undefined ? (messages ?? []) : [{ role: "user", content: alone }];
  const mayBeBlank = fields !== undefined;
  const problems = [
    ...messageProblems(said, pointer, { mayBeBlank, earlier }),
    ...pictureProblems(said, beside, earlier),
  ];
  if (problems.length > 0) return refuseFields(problems);
  const shown: PictureSource[][] = [];
  for (const [index, { images = [] }] of said.entries()) {
    const pointerOf = (image: number): string => `/messages/${index}/images/${image}`;
    const read = readImages(images, pointerOf, pictureOf, shown.flat().length);
    if (!read.ok) return read;
    shown.push(read.value);
  }
  const turns = said.map(({ role, content }, index) =>
    messageOf(role, content, shown[index]?.length ?? 0),
  );
  const { behind } = earlier;
  const all = [...turns.slice(0, behind), ...namingPictures(earlier), ...turns.slice(behind)];
  const kept = all.filter(
    ({ text, pictures }, index) =>
      text !== "" || pictures !== undefined || (mayBeBlank && index === all.length - 1),
  );
  return ok({ messages: inOneForm(kept), pictures: [...beside, ...shown.flat()] });
}

const noTurns: EarlierTurns = { messages: [], pictures: 0, behind: 0 };

function namingPictures({ messages, pictures }: EarlierTurns): readonly Message[] {
  const counts = picturesByMessage(messages, pictures);
  return messages.map(({ role, text }, index) => messageOf(role, text, counts[index] ?? 0));
}

/**
 * Reads pictures that stand as JSON. `pointerOf` names the place of each. `before`: how many pictures of the question come before
 * them. Refuses with the first that cannot be read: `image_file_too_large`, or `invalid_request`.
 */
export function readImages(
  images: readonly ImageBody[],
  pointerOf: (index: number) => string,
  pictureOf: PictureReader,
  before = 0,
): Result<PictureSource[], Failure> {
  const pictures: PictureSource[] = [];
  for (const [index, image] of images.entries()) {
    if (typeof image === "object" && !("data" in image)) {
      pictures.push("url" in image ? { kind: "url", ...image } : { kind: "upload", ...image });
      continue;
    }
    const file = pictureOf(typeof image === "string" ? image : image.data);
    if (!file.ok && file.refusal.isTooLarge) return refuse(tooLarge(before + index));
    if (!file.ok) {
      const pointer = `${pointerOf(index)}${typeof image === "string" ? "" : "/data"}`;
      return refuseFields([{ pointer, message: file.refusal.message }]);
    }
    pictures.push({ kind: "file", file: file.value });
  }
  return ok(pictures);
}

/** The refusal of a picture whose file has too many bytes, however it was sent. `image`: its place among the question's. */
export function tooLarge(image: number): Failure {
  return { kind: "image_file_too_large", image, limitBytes: MAX_IMAGE_BYTES };
}

/** Refuses what has another shape than it should: with `fields_invalid` where that is of the fields alone, else with `invalid_request`. */
export function refuseShape(problems: readonly FieldProblem[]): Result<never, Failure> {
  const isOfFields = problems.every(({ pointer }) => /^\/fields(?:\/|$)/.test(pointer));
  return isOfFields ? refuse({ kind: "fields_invalid", problems }) : refuseFields(problems);
}

/** Refuses with `invalid_request`. */
export function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}

function messageOf(role: Message["role"], content: string, pictures: number): Message {
  const text = content.trim() === "" ? "" : content;
  return pictures === 0 ? { role, text } : { role, text, pictures };
}

/** Pictures of the user's first message need not be named: a question has one form, however it was sent. */
function inOneForm(messages: readonly Message[]): readonly Message[] {
  const bringing = messages.findIndex(({ pictures }) => pictures !== undefined);
  const isFirst = bringing === messages.findIndex(({ role }) => role === "user");
  const isAlone = messages.findLastIndex(({ pictures }) => pictures !== undefined) === bringing;
  return isFirst && isAlone ? messages.map(({ role, text }) => ({ role, text })) : messages;
}

function messageProblems(
  messages: readonly MessageBody[],
  pointer: string,
  { mayBeBlank, earlier }: { readonly mayBeBlank: boolean; readonly earlier: EarlierTurns },
): FieldProblem[] {
  const last = messages.at(-1);
  if (last === undefined) return [{ pointer, message: "ask something: question or messages" }];
  const end = pointer === "/question" ? pointer : `${pointer}/${messages.length - 1}`;
  if (last.role !== "user")
    return [{ pointer: `${end}/role`, message: "the last message must be user" }];
  if (last.content.trim() === "" && !mayBeBlank) {
    const message = "must not be blank: the last message says what is asked";
    return [{ pointer: pointer === "/question" ? end : `${end}/content`, message }];
  }
  const count = messages.length + earlier.messages.length;
  if (count > MAX_MESSAGES) {
    const message = `are ${count} with those of before; ${MAX_MESSAGES} messages are the most`;
    return [{ pointer, message }];
  }
  const utf8 = new TextEncoder();
  const texts = [
    ...messages.map(({ content }) => content),
    ...earlier.messages.map(({ text }) => text),
  ];
  const bytes = texts.reduce((sum, text) => sum + utf8.encode(text).length, 0);
  return bytes > MAX_TEXT_BYTES
    ? [{ pointer, message: `has more than ${MAX_TEXT_BYTES} bytes of text` }]
    : [];
}

function pictureProblems(
  messages: readonly MessageBody[],
  beside: readonly PictureSource[],
  earlier: EarlierTurns,
): FieldProblem[] {
  if (beside.length > 0 && earlier.messages.length > 0) {
    const message = "stand beside a conversation that goes on: bring them in its new messages";
    return [{ pointer: "/images", message }];
  }
  const counts = messages.map(({ images = [] }) => images.length);
  const brought = counts.reduce((sum, count) => sum + count, 0);
  if (brought === 0) return [];
  const stranger = messages.findIndex(({ role }, index) => role !== "user" && counts[index] !== 0);
  if (stranger !== -1) {
    const message = "only a message of the user brings pictures";
    return [{ pointer: `/messages/${stranger}/images`, message }];
  }
  if (beside.length > 0) {
    const message = "bring pictures, and others stand beside the messages: send all in one place";
    return [{ pointer: "/messages", message }];
  }
  const total = brought + earlier.pictures;
  return total > MAX_IMAGES
    ? [{ pointer: "/messages", message: `bring ${total} pictures; ${MAX_IMAGES} are the most` }]
    : [];
}
