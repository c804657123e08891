import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../../api/answers/answer-request.ts";
import type { AskedCard } from "../../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../../api/answers/requests.ts";
import type { JsonBody } from "../../body/json-body.ts";
import { problemsOf } from "../../field-problems.ts";
import { MAX_FIELD_PROBLEMS } from "../../limits.ts";
import { type PlacedMessage, presentFields } from "../foreign-body.ts";
import { refusedFields } from "../refused-fields.ts";
import { failureIn, type SentPlaces } from "../sent-places.ts";
import { detailOf, pictureOf } from "../shown-picture.ts";
import { askedOptions } from "./asked-options.ts";
import { textOfContent } from "./data-text.ts";
import {
  type DecisionMessageBody,
  type DecisionQuestionBody,
  type DecisionsBody,
  decisionFields,
  decisionsSchema,
  type InputPart,
  type SpokenPart,
} from "./decisions-body.ts";
import { byPlace, fieldOfDecision, questionIndex } from "./question-fields.ts";

/** A request of OpenAI's decisions, read as fields of a picture. */
export interface DecisionsRequest {
  readonly request: AnswerRequest;
  /** In the order of the fields. */
  readonly questions: readonly DecisionQuestionBody[];
  readonly placeOf: SentPlaces;
}

/**
 * Reads a body of `POST /v1/decisions`: each question is a field, the input is what they are about. `x_unmask` may hold the options
 * of an answer request. Refuses with `invalid_request` and the codes of fields, with pointers into this body.
 */
export function parseDecisions(sent: JsonBody, card: AskedCard): Result<DecisionsRequest, Failure> {
  const body = sent.parse();
  if (!body.ok) return body;
  const fields = presentFields(body.value);
  if (fields === undefined) return refuseFields([{ pointer: "", message: "must be an object" }]);
  const refused = refusedFields(fields, decisionFields);
  if (refused.length > 0) return refuseFields(refused);
  const parsed = decisionsSchema.safeParse(fields);
  if (!parsed.success) return refuseFields(problemsOf(parsed.error));
  const { model, input, questions, x_unmask: extras } = parsed.data;
  const options = askedOptions(extras);
  if (!options.ok) return options;
  const placed = typeof input === "string" ? [] : input.map(messageOf);
  const asked: AnswerRequestBody = {
    ...options.value,
    ...(model === undefined ? {} : { model }),
    ...aboutOf(input, placed),
    fields: byPlace(questions.map(fieldOfDecision)),
  };
  const request = parseAnswerValue(asked, card, sent.picture);
  const placeOf: SentPlaces = (pointer) => pointerIn(parsed.data, placed, pointer);
  return request.ok
    ? ok({ request: request.value, questions, placeOf })
    : refuse(failureIn(request.refusal, placeOf));
}

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}

function aboutOf(
  input: DecisionsBody["input"],
  placed: readonly PlacedMessage[],
): AnswerRequestBody {
  if (typeof input === "string") return input.trim() === "" ? {} : { question: input };
  const said = placed.map(({ message }) => message);
  const details = input
    .flatMap(partsOf)
    .flatMap((part) => (part.type === "input_image" ? [part.detail] : []));
  return {
    ...detailOf(details),
    // The fields are asked by the user, behind whatever was said last.
    messages: said.at(-1)?.role === "user" ? said : [...said, { role: "user", content: "" }],
  };
}

function messageOf(message: DecisionMessageBody, index: number): PlacedMessage {
  const role = message.role === "developer" ? "system" : message.role;
  const at = `/input/${index}`;
  const texts: string[] = [];
  const images: { readonly at: string; readonly url: string }[] = [];
  for (const [place, part] of partsOf(message).entries()) {
    if (part.type !== "input_image") texts.push(textOf(part));
    else images.push({ at: `${at}/content/${place}/image_url`, url: part.image_url });
  }
  const said = { role, content: texts.join("\n") } as const;
  return {
    message:
      images.length === 0 ? said : { ...said, images: images.map(({ url }) => pictureOf(url)) },
    at,
    content: `${at}/content`,
    images: images.map((image) => image.at),
  };
}

function partsOf({ content }: DecisionMessageBody): readonly (InputPart | SpokenPart)[] {
  return typeof content === "string" ? [{ type: "input_text", text: content }] : content;
}

function textOf(part: Exclude<InputPart | SpokenPart, { readonly type: "input_image" }>): string {
  switch (part.type) {
    case "input_text":
    case "output_text":
      return part.text;
    case "input_json":
      return textOfContent(part.data);
    case "refusal":
      return part.refusal;
    default:
      return part satisfies never;
  }
}

/** Where in this body stands what lies at a pointer of our own. */
function pointerIn(body: DecisionsBody, placed: readonly PlacedMessage[], pointer: string): string {
  const [, member = "", place = "", part, ...rest] = pointer.split("/");
  switch (member) {
    case "model":
      return pointer;
    case "question":
    case "images":
      return "/input";
    case "messages": {
      const message = placed[Number(place)];
      if (message === undefined || part === undefined) return message?.at ?? "/input";
      if (part === "images") return message.images[Number(rest[0])] ?? message.at;
      return part === "content" ? message.content : `${message.at}/${part}`;
    }
    case "fields":
      return `/questions${questionPointer(body, place, part, rest)}`;
    default:
      return `/x_unmask${pointer}`;
  }
}

/** `name`: of the field, `q1` … */
function questionPointer(
  { questions }: DecisionsBody,
  name: string,
  member: string | undefined,
  [option, ...within]: readonly string[],
): string {
  const index = questionIndex(name);
  const question = questions[index];
  if (question === undefined) return "";
  if (member === "instructions") return `/${index}/instructions`;
  if (member !== "criteria" || question.type === "predicate") return `/${index}`;
  const list = question.type === "choice" ? "choices" : "levels";
  const called = question.type === "choice" ? "value" : "label";
  const parts = within.map((one) => (one === "value" ? called : one));
  return ["", index, list, ...(option === undefined ? [] : [option]), ...parts].join("/");
}
