import { fitToAbilities, type Warning } from "#domain/abilities.ts";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { type Micros, micros } from "#domain/micros.ts";
import type { WebhookTarget } from "#domain/notice.ts";
import type { AnswerOptions, ReadOrder } from "#domain/question.ts";
import { optionsToRead } from "#domain/reading/options-to-read.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AskedKeeping } from "#domain/retention.ts";
import { readPictureText } from "../../body/data-uri.ts";
import { readJsonPart, textOf } from "../../body/form-part.ts";
import type { JsonBody } from "../../body/json-body.ts";
import type { FormPart } from "../../body/multipart.ts";
import { parseJson } from "../../body/parse-json.ts";
import { problemsOf } from "../../field-problems.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGES } from "../../limits.ts";
import { webhookOf } from "../webhook-body.ts";
import { type AnswerFields, answerFieldsSchema, answerRequestSchema } from "./answer-request.ts";
import {
  type Conversation,
  type EarlierTurns,
  type PictureReader,
  type PictureSource,
  readConversation,
  readImages,
  refuseFields,
  refuseShape,
  tooLarge,
} from "./conversation.ts";
import { fieldProblems, readFieldsOf } from "./fields/read-order.ts";
import { type AskedCard, optionProblems, optionsOf } from "./options.ts";

/** What a caller asks for, checked and with every default filled in. */
export interface AnswerRequest extends Conversation {
  /** What of it the model was not trained for. */
  readonly warnings: readonly Warning[];
  readonly options: AnswerOptions;
  /** Absent: words are wanted. */
  readonly read?: ReadOrder;
  /** Absent: the usual one, or the only one that is served. */
  readonly model?: string;
  /** The card by which a quote was made and the answer is to be priced; null is whichever there is. */
  readonly cardDigest: string | null;
  readonly wantsStream: boolean;
  /** How many other tokens its frames tell of each place that is written. Absent: none. */
  readonly alternatives?: number;
  /** What the answer may cost at most; null is whatever it costs. */
  readonly maximum: Micros | null;
  /** Milliseconds after which it is told as it stands; null waits for its end. */
  readonly deadlineMs: number | null;
  readonly webhook: WebhookTarget | null;
  readonly cache: "private" | "shared" | "off";
  readonly keeping: AskedKeeping;
}

/** Reads a JSON body. Refuses with `invalid_request`, naming each field by JSON Pointer, or with `image_file_too_large`. */
export function parseAnswerJson(body: JsonBody, card: AskedCard): Result<AnswerRequest, Failure> {
  const value = body.parse();
  return value.ok ? parseAnswerValue(value.value, card, body.picture) : value;
}

/** What a body of another API brings that ours has no place for. */
export interface BesideBody {
  /** The conversation that its messages go on with. */
  readonly earlier?: EarlierTurns;
}

/** Reads a parsed JSON body. Refuses as `parseAnswerJson` does. */
export function parseAnswerValue(
  body: unknown,
  card: AskedCard,
  pictureOf: PictureReader,
  besideBody: BesideBody = {},
): Result<AnswerRequest, Failure> {
  const parsed = answerRequestSchema.safeParse(body);
  if (!parsed.success) return refuseShape(problemsOf(parsed.error));
  const { image, images, ...fields } = parsed.data;
  if (image !== undefined && images !== undefined)
    return refuseFields([{ pointer: "/images", message: "give image or images, not both" }]);
  const pointerOf = (index: number): string =>
    image === undefined ? `/images/${index}` : "/image";
  const pictures = readImages(image === undefined ? (images ?? []) : [image], pointerOf, pictureOf);
  return pictures.ok
    ? requestOf(fields, pictures.value, { card, pictureOf, ...besideBody })
    : pictures;
}

/** Reads a form: file parts `image`, everything else as text. Refuses as `parseAnswerJson` does, with pointers `/<field>`. */
export function parseAnswerForm(
  form: readonly FormPart[],
  card: AskedCard,
): Result<AnswerRequest, Failure> {
  const files: PictureSource[] = [];
  const texts = new Map<string, string[]>();
  let conversation: JsonBody | undefined;
  for (const part of form) {
    const { name, content } = part;
    if (!part.isFile) {
      if (name === "image") return refuseFields([NO_FILE]);
      if (name === "messages") conversation = readJsonPart(part);
      texts.set(name, [...(texts.get(name) ?? []), textOf(part)]);
      content.clear();
      continue;
    }
    const message = partFault(part, files.length);
    if (message !== null) return refuseFields([{ pointer: `/${name.slice(0, 64)}`, message }]);
    if (content.byteLength > MAX_IMAGE_BYTES) return refuse(tooLarge(files.length));
    files.push({ kind: "file", file: content });
  }
  const parsed = answerFieldsSchema.safeParse(
    Object.fromEntries(
      [...texts].map(([name, values]) => [name, formValue(name, values, conversation)]),
    ),
  );
  if (!parsed.success) return refuseShape(problemsOf(parsed.error));
  // Pictures stand as text in the messages alone.
  const pictureOf: PictureReader = (text) =>
    conversation?.picture(text) ?? readPictureText(text, MAX_IMAGE_BYTES);
  return requestOf(parsed.data, files, { card, pictureOf });
}

/** What a form is told whose part `image` is text: with curl that is one forgotten `@`. */
export const NO_FILE: FieldProblem = {
  pointer: "/image",
  message: "must be a file, and is text; curl sends one with -F image=@dog.png",
};

function partFault({ name, content }: FormPart, before: number): string | null {
  if (name !== "image") return "only image may be a file";
  if (before === MAX_IMAGES) return `at most ${MAX_IMAGES} pictures`;
  return content.byteLength === 0 ? "is empty" : null;
}

const numberFields: ReadonlySet<string> = new Set([
  "canvas",
  "steps",
  "block_length",
  "temperature",
  "seed",
  "refresh",
  "max_price_micros",
  "deadline_ms",
  "alternatives",
  "abstain_below",
  "passes",
]);

const jsonFields: ReadonlySet<string> = new Set(["webhook", "retention", "fields"]);

/** Turns a form's text into what JSON would have held; what does not fit stays text for the schema to refuse. */
function formValue(
  name: string,
  values: readonly string[],
  conversation: JsonBody | undefined,
): unknown {
  const [value] = values;
  if (name === "stop" || value === undefined || values.length > 1) return values;
  if (numberFields.has(name) && /^-?[0-9]{1,15}(\.[0-9]{1,20})?(e-?[0-9]{1,3})?$/.test(value))
    return Number(value);
  if ((name === "stream" || name === "store") && (value === "true" || value === "false"))
    return value === "true";
  const json = jsonOf(name, value, conversation);
  return json?.ok === true ? json.value : value;
}

/** What of a form may be JSON; undefined for what is text. */
function jsonOf(
  name: string,
  value: string,
  conversation: JsonBody | undefined,
): ReturnType<JsonBody["parse"]> | undefined {
  if (name === "messages") return conversation?.parse();
  if (jsonFields.has(name) && value.startsWith("{"))
    return parseJson(new TextEncoder().encode(value));
  return undefined;
}

interface ReadBy {
  readonly card: AskedCard;
  readonly pictureOf: PictureReader;
}

function requestOf(
  fields: AnswerFields,
  beside: readonly PictureSource[],
  { card, pictureOf, earlier }: BesideBody & ReadBy,
): Result<AnswerRequest, Failure> {
  const misplaced = fieldProblems(fields);
  if (misplaced.length > 0) return refuseFields(misplaced);
  const conversation = readConversation(fields, beside, pictureOf, earlier);
  const usual = optionsOf(fields, card);
  const unfit = optionProblems(fields, usual, card);
  if (!conversation.ok) {
    const { refusal } = conversation;
    return refusal.kind === "invalid_request"
      ? refuseFields([...refusal.problems, ...unfit])
      : conversation;
  }
  if (unfit.length > 0) return refuseFields(unfit);
  const read = readFieldsOf(fields, conversation.value.messages, card);
  if (!read.ok) return read;
  const planned = read.value === undefined ? ok(usual) : optionsToRead(read.value, usual, card);
  if (!planned.ok) return planned;
  const options = planned.value;
  const { messages: said, pictures } = conversation.value;
  const shown = pictures.length + (earlier?.pictures ?? 0);
  // Of a canvas that follows from fields nobody is warned: it was not chosen.
  const asked = { messages: said, pictures: shown, canvas: usual.canvas };
  const { messages, warnings } = fitToAbilities(asked, card.abilities);
  return ok({
    messages,
    pictures,
    options,
    ...(read.value === undefined ? {} : { read: read.value }),
    warnings,
    ...(fields.model === undefined ? {} : { model: fields.model }),
    cardDigest: fields.card ?? null,
    wantsStream: fields.stream ?? false,
    ...(fields.alternatives === undefined ? {} : { alternatives: fields.alternatives }),
    maximum: fields.max_price_micros === undefined ? null : micros(fields.max_price_micros),
    deadlineMs: fields.deadline_ms ?? null,
    webhook: fields.webhook === undefined ? null : webhookOf(fields.webhook),
    // What does not stay is nobody's to share.
    cache: fields.store === false ? "off" : (fields.cache ?? "private"),
    keeping: keepingIn(fields),
  });
}

function keepingIn({ store, retention }: AnswerFields): AskedKeeping {
  const someMs = (seconds: number | undefined): number | null =>
    seconds === undefined ? null : seconds * 1000;
  return {
    isStored: store !== false,
    questionMs: someMs(retention?.question_seconds),
    answerMs: someMs(retention?.answer_seconds),
  };
}
