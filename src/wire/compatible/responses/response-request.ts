import type { Failure, FieldProblem } from "#domain/failure.ts";
import type { Message } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../../api/answers/answer-request.ts";
import type { AskedCard } from "../../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../../api/answers/requests.ts";
import type { JsonBody } from "../../body/json-body.ts";
import { problemsOf } from "../../field-problems.ts";
import { MAX_FIELD_PROBLEMS, MAX_MESSAGES } from "../../limits.ts";
import { canvasUnder, inForeignBody, type PlacedMessage, presentFields } from "../foreign-body.ts";
import { detailOf } from "../shown-picture.ts";
import { picturesOf, placedItem } from "./input-messages.ts";
import { type ResponseRequestBody, responseRequestSchema } from "./response-body.ts";
import { refusedIncludesOf, refusedItems, refusedResponseFields } from "./response-refusals.ts";
import type { ResponseTerms } from "./response-terms.ts";

/** Threat: each reference is a call of another object. In a conversation every other message is an answer. */
const MAX_REFERENCES: number = MAX_MESSAGES / 2;

/** A body of `POST /v1/responses` that has been checked, and not yet read as a question. */
export interface SentResponse {
  readonly body: ResponseRequestBody;
  /** Where it names messages that were told before: each is looked up first. */
  readonly references: readonly ItemReference[];
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
  return ok({ body: parsed.data, references });
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
 * everything. Without `recalled` what was told before stands as its id: so it says what was sent, whatever has become of that
 * since. `x_unmask` may hold any option of an answer request. Refuses with `invalid_request`, with pointers into the body.
 */
export function responseRequest(
  { body }: SentResponse,
  { card, sent }: { readonly card: AskedCard; readonly sent: JsonBody },
  { turns, texts }: Recalled = {},
): Result<ResponseRequest, Failure> {
  const placed = placedMessages(body, texts);
  const behind = hasInstructions(body) ? 1 : 0;
  const shown = turns === undefined || turns.pictures === 0 ? [] : [turns.detail];
  const beside = turns === undefined ? {} : { earlier: { ...turns, behind } };
  const question = questionOf(body, { placed, shown, card });
  const request = parseAnswerValue(question, card, sent.picture, beside);
  if (!request.ok) return refuse(inForeignBody(request.refusal, placed, responsePlaces));
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
    },
    wantsStream: body.stream ?? false,
  });
}

const responsePlaces = { list: "input", sent: ["model", "temperature"] } as const;

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

/** Writes a response as our own request body; `parseAnswerValue` checks the rest. `shown`: how closely earlier pictures were looked at. */
function questionOf(
  body: ResponseRequestBody,
  {
    placed,
    shown,
    card,
  }: {
    readonly placed: readonly PlacedMessage[];
    readonly shown: readonly ("low" | "auto")[];
    readonly card: AskedCard;
  },
): AnswerRequestBody {
  const { x_unmask: own, model, temperature, store, input = "" } = body;
  const pictures = typeof input === "string" ? [] : input.flatMap(picturesOf);
  return {
    ...own,
    ...(model === undefined ? {} : { model }),
    messages: placed.map(({ message }) => message),
    ...detailOf([...shown, ...pictures.map(({ detail }) => detail)]),
    ...canvasUnder(body.max_output_tokens, own?.["canvas"], card),
    ...(temperature === undefined ? {} : { temperature }),
    ...(store === undefined ? {} : { store }),
  };
}

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}
