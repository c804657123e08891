import type { Failure, FieldProblem } from "#domain/failure.ts";
import type { Message } from "#domain/question.ts";
import { type ReadStyle, UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../../api/answers/answer-request.ts";
import type { AskedCard } from "../../api/answers/options.ts";
import {
  type AnswerRequest,
  type BesideBody,
  parseAnswerValue,
} from "../../api/answers/requests.ts";
import type { JsonBody } from "../../body/json-body.ts";
import { problemsOf } from "../../field-problems.ts";
import { MAX_FIELD_PROBLEMS, MAX_MESSAGES } from "../../limits.ts";
import { canvasUnder, type PlacedMessage, placesIn, presentFields } from "../foreign-body.ts";
import { failureIn } from "../sent-places.ts";
import { detailOf } from "../shown-picture.ts";
import { schemaQuestion } from "../structured/schema-question.ts";
import { picturesOf, placedItem } from "./input-messages.ts";
import { type ResponseRequestBody, responseRequestSchema } from "./response-body.ts";
import { formatIn, type JsonFormatBody, responsePlaces, wantedBy } from "./response-format.ts";
import { refusedIncludesOf, refusedItems, refusedResponseFields } from "./response-refusals.ts";
import type { ResponseTerms } from "./response-terms.ts";

/** Threat: each reference is a call of another object. In a conversation every other message is an answer. */
const MAX_REFERENCES: number = MAX_MESSAGES / 2;

/** A body of `POST /v1/responses` that has been checked, and not yet read as a question. */
export interface SentResponse {
  readonly body: ResponseRequestBody;
  /** Where it names messages that were told before: each is looked up first. */
  readonly references: readonly ItemReference[];
  /** The schema whose value it wants. Absent: it wants words. */
  readonly format?: JsonFormatBody;
}

export interface ItemReference {
  /** Of the message. */
  readonly id: string;
  /** JSON Pointer of the item. */
  readonly pointer: string;
}

/** What was kept of what the body names. */
export interface Recalled {
  /** The conversation that `previous_response_id` goes on from. */
  readonly turns?: {
    readonly messages: readonly Message[];
    readonly pictures: number;
    readonly detail: "low" | "auto";
  };
  /** The texts of the messages that it refers to, by their ids. */
  readonly texts?: ReadonlyMap<string, string>;
}

/** A response of OpenAI's clients, read as a question. */
export interface ResponseRequest {
  readonly request: AnswerRequest;
  readonly terms: ResponseTerms;
  readonly wantsStream: boolean;
}

/** Checks a body of `POST /v1/responses`. Refuses with `invalid_request`, with pointers into it. */
export function parseResponse(sent: JsonBody): Result<SentResponse, Failure> {
  const body = sent.parse();
  if (!body.ok) return body;
  const fields = presentFields(body.value);
  if (fields === undefined) return refuseFields([{ pointer: "", message: "must be an object" }]);
  const { input } = fields;
  const refused = [
    ...refusedResponseFields(fields),
    ...(Array.isArray(input) ? refusedItems(input) : []),
  ];
  if (refused.length > 0) return refuseFields(refused);
  const parsed = responseRequestSchema.safeParse(fields);
  if (!parsed.success) return refuseFields(problemsOf(parsed.error));
  const problems = problemsIn(parsed.data);
  if (problems.length > 0) return refuseFields(problems);
  const references = referencesOf(parsed.data);
  if (references.length > MAX_REFERENCES) {
    const message = `refers to ${references.length} messages; ${MAX_REFERENCES} are the most`;
    return refuseFields([{ pointer: "/input", message }]);
  }
  const format = formatIn(fields);
  return ok({ body: parsed.data, references, ...(format === undefined ? {} : { format }) });
}

/** Says what is wrong with fields that are right each for itself. */
function problemsIn({
  include = [],
  background,
  store,
  input,
}: ResponseRequestBody): FieldProblem[] {
  const problems = refusedIncludesOf(include, "/include");
  if (background === true && store === false)
    problems.push({
      pointer: "/background",
      message: "is come back for, so it has to be stored: leave out store: false",
    });
  if (input === undefined)
    problems.push({ pointer: "/input", message: "is missing: a question, or messages" });
  return problems;
}

function referencesOf({ input }: ResponseRequestBody): ItemReference[] {
  if (typeof input === "string" || input === undefined) return [];
  return input.flatMap((item, index) =>
    item.type === "item_reference" ? [{ id: item.id, pointer: `/input/${index}/id` }] : [],
  );
}

/**
 * Reads a response as a question. `max_output_tokens` is a ceiling, as in a chat; `instructions` are a system message before
 * everything. A schema as `text.format` is read as fields. Without `recalled` what was told before stands as its id: so it says what was sent, whatever has become of that
 * since. `x_unmask` may hold any option of an answer request. Refuses with `invalid_request`, with pointers into the body.
 */
export function responseRequest(
  { body, format }: SentResponse,
  { card, sent }: { readonly card: AskedCard; readonly sent: JsonBody },
  { turns, texts }: Recalled = {},
): Result<ResponseRequest, Failure> {
  const placed = placedMessages(body, texts);
  const behind = hasInstructions(body) ? 1 : 0;
  const shown = turns === undefined || turns.pictures === 0 ? [] : [turns.detail];
  const beside = turns === undefined ? {} : { earlier: { ...turns, behind } };
  const said = saidIn(body, shown);
  const request =
    format === undefined
      ? asWords(body, { placed, said, beside }, { card, sent })
      : asValue(body, format, { placed, said, beside }, { card, sent });
  if (!request.ok) return request;
  // A model that obeys no system message is given none.
  const isInstructed = behind > 0 && request.value.messages[0]?.role === "system";
  return ok({
    request: request.value,
    terms: {
      metadata: body.metadata ?? {},
      previousId: body.previous_response_id ?? null,
      hasInstructions: isInstructed,
      isBackground: body.background ?? false,
      maxOutputTokens: body.max_output_tokens ?? null,
      temperature: request.value.options.temperature,
      ...(format === undefined ? {} : { format: { format, style: styleOf(card) } }),
    },
    wantsStream: body.stream ?? false,
  });
}

function hasInstructions({ instructions = "" }: ResponseRequestBody): boolean {
  return instructions.trim() !== "";
}

function placedMessages(
  body: ResponseRequestBody,
  texts: ReadonlyMap<string, string> | undefined,
): PlacedMessage[] {
  const { instructions = "", input = "" } = body;
  const before: PlacedMessage = {
    message: { role: "system", content: instructions },
    ...{ at: "/instructions", content: "/instructions", images: [] },
  };
  const asked: PlacedMessage = {
    message: { role: "user", content: typeof input === "string" ? input : "" },
    ...{ at: "/input", content: "/input", images: [] },
  };
  const items =
    typeof input === "string"
      ? [asked]
      : input.map((item, index) => placedItem(item, `/input/${index}`, texts));
  return [...(hasInstructions(body) ? [before] : []), ...items];
}

/** What a response asks, on its way to a request of ours. */
interface Asked {
  readonly placed: readonly PlacedMessage[];
  readonly said: AnswerRequestBody;
  readonly beside: BesideBody;
}

interface ReadBy {
  readonly card: AskedCard;
  readonly sent: JsonBody;
}

function asWords(
  { max_output_tokens: ceiling, x_unmask: own }: ResponseRequestBody,
  { placed, said, beside }: Asked,
  { card, sent }: ReadBy,
): Result<AnswerRequest, Failure> {
  const body = {
    ...own,
    ...said,
    messages: placed.map(({ message }) => message),
    ...canvasUnder(ceiling, own?.["canvas"], card),
  };
  const request = parseAnswerValue(body, card, sent.picture, beside);
  return request.ok
    ? request
    : refuse(failureIn(request.refusal, placesIn(placed, responsePlaces)));
}

function asValue(
  { x_unmask: extras }: ResponseRequestBody,
  format: JsonFormatBody,
  { placed, said, beside }: Asked,
  { card, sent }: ReadBy,
): Result<AnswerRequest, Failure> {
  const asked = schemaQuestion(
    { wanted: wantedBy(format), placed, places: responsePlaces, said, extras },
    { card, pictureOf: sent.picture },
    beside,
  );
  return asked.ok ? ok(asked.value.request) : asked;
}

function styleOf({ read }: AskedCard): ReadStyle {
  return read ?? UNTOLD_READ_STYLE;
}

/** Writes what a response says itself as our own request body; `parseAnswerValue` checks it. `shown`: how closely earlier pictures were looked at. */
function saidIn(
  { model, temperature, store, input = "" }: ResponseRequestBody,
  shown: readonly ("low" | "auto")[],
): AnswerRequestBody {
  const pictures = typeof input === "string" ? [] : input.flatMap(picturesOf);
  return {
    ...(model === undefined ? {} : { model }),
    ...detailOf([...shown, ...pictures.map(({ detail }) => detail)]),
    ...(temperature === undefined ? {} : { temperature }),
    ...(store === undefined ? {} : { store }),
  };
}

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}
