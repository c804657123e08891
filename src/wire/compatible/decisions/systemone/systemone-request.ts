import type { Failure } from "#domain/failure.ts";
import { FIELD_LIMITS } from "#domain/fields.ts";
import { inPointer } from "#domain/json-pointer.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../../../api/answers/answer-request.ts";
import type { AskedFieldBody } from "../../../api/answers/fields/fields-body.ts";
import type { ImageBody } from "../../../api/answers/image-body.ts";
import type { AskedCard } from "../../../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../../../api/answers/requests.ts";
import { problemsOf } from "../../../field-problems.ts";
import { entriesOf } from "../../../named-values.ts";
import { failureIn, type SentPlaces } from "../../sent-places.ts";
import { pictureOf } from "../../shown-picture.ts";
import { askedOptions } from "../asked-options.ts";
import { byPlace, questionIndex } from "../question-fields.ts";
import {
  assetPointer,
  assetProblems,
  imagesOf,
  type PictureWords,
  picturesBeside,
  pictureWords,
  type SystemOneAssets,
  type SystemOneSent,
} from "./systemone-assets.ts";
import {
  type SystemOneBody,
  type SystemOneImage,
  type SystemOneQuestion,
  systemOneSchema,
} from "./systemone-body.ts";

/** A request of Jev's clients, read as fields of a picture. */
export interface SystemOneRequest {
  readonly request: AnswerRequest;
  /** In the order of the fields, each by its caller's name. */
  readonly questions: readonly (readonly [string, SystemOneQuestion])[];
  readonly placeOf: SentPlaces;
}

/** What Jev's clients ask where nobody names a model: the usual one here. */
const usualModels: ReadonlySet<string> = new Set(["jev-latest", "jev-preview"]);

/** The model that a body names; undefined for the usual one. */
export function systemOneModel(model: string | undefined): string | undefined {
  return model === undefined || usualModels.has(model) ? undefined : model;
}

/**
 * Reads a body of `POST /v1/systemone`. No name of a question reaches the model. Refuses with `invalid_request` and the codes of fields, with
 * pointers into this body.
 */
export function parseSystemOne(
  sent: SystemOneSent,
  card: AskedCard,
): Result<SystemOneRequest, Failure> {
  const json = sent.body.parse();
  if (!json.ok) return json;
  const parsed = systemOneSchema.safeParse(json.value);
  if (!parsed.success)
    return refuse({ kind: "invalid_request", problems: problemsOf(parsed.error) });
  const body = parsed.data;
  const options = askedOptions(body.x_unmask);
  if (!options.ok) return options;
  const late = lateProblem(body);
  if (late !== undefined) return late;
  const { images, assets } = picturesOf(body);
  const unclear = assetProblems(assets, sent.parts, images.length);
  if (unclear.length > 0) return refuse({ kind: "invalid_request", problems: unclear });
  const words = pictureWords(assets, images.length);
  const questions = entriesOf(body.questions);
  const asked: AnswerRequestBody = {
    ...options.value,
    ...aboutOf(body, words),
    fields: byPlace(questions.map(([, question]) => fieldOf(question, words))),
  };
  const tooOften = words.problems();
  if (tooOften.length > 0) return refuse({ kind: "invalid_request", problems: tooOften });
  const request = parseAnswerValue(asked, card, picturesBeside(sent));
  const placeOf: SentPlaces = (pointer) => pointerIn(body, pointer);
  return request.ok
    ? ok({ request: request.value, questions, placeOf })
    : refuse(failureIn(request.refusal, placeOf));
}

/** Its answers have no place for a question that was cut off, and a number is never made up. */
function lateProblem({ x_unmask: extras = {} }: SystemOneBody): Result<never, Failure> | undefined {
  if (extras["deadline_ms"] === undefined) return undefined;
  const message =
    "this API has no place for a question that was cut off: ask POST /v1/answers with fields by a deadline";
  return refuse({
    kind: "invalid_request",
    problems: [{ pointer: "/x_unmask/deadline_ms", message }],
  });
}

interface SystemOnePictures {
  readonly images: readonly SystemOneImage[];
  readonly assets: SystemOneAssets;
}

function picturesOf({ images, assets }: SystemOneBody): SystemOnePictures {
  return { images: images ?? [], assets: assets ?? {} };
}

function aboutOf(body: SystemOneBody, words: PictureWords): AnswerRequestBody {
  const named = systemOneModel(body.model);
  const about = words.text(body.state);
  const { images, assets } = picturesOf(body);
  const shown = [...images.map(shownImage), ...imagesOf(assets)];
  return {
    ...(named === undefined ? {} : { model: named }),
    ...(about.trim() === "" ? {} : { question: about }),
    ...(shown.length === 0 ? {} : { images: shown }),
  };
}

function shownImage(image: SystemOneImage): ImageBody {
  return typeof image === "string" ? pictureOf(image) : { data: image.base64 };
}

function fieldOf(question: SystemOneQuestion, words: PictureWords): AskedFieldBody {
  const asked = said("instructions", words.text(question.instructions));
  switch (question.type) {
    case "noul": {
      const { criteria } = question;
      const sides = {
        ...said("true", words.meaning(criteria?.true)),
        ...said("false", words.meaning(criteria?.false)),
      };
      return { type: "boolean", ...asked, criteria: sides };
    }
    case "choice": {
      const criteria = entriesOf(question.criteria).map(([value, meaning]) => ({
        value,
        ...said("description", words.meaning(meaning)),
      }));
      return { type: "choice", ...asked, criteria };
    }
    case "score": {
      const criteria = question.criteria.map((meaning, index) =>
        levelOf(words.meaning(meaning), index),
      );
      return { type: "score", ...asked, criteria };
    }
    default:
      return question satisfies never;
  }
}

/** A level is called by what it means; by its number where that is nothing, or more than an option may be long. */
function levelOf(text: string, index: number): { value: string; description?: string } {
  if (text.trim() === "") return { value: String(index) };
  return text.length <= FIELD_LIMITS.optionLength
    ? { value: text }
    : { value: String(index), description: text };
}

function said<Name extends string>(name: Name, text: string): { readonly [key in Name]?: string } {
  return text.trim() === "" ? {} : ({ [name]: text } as { readonly [key in Name]: string });
}

/** Where in this body stands what lies at a pointer of our own. */
function pointerIn(body: SystemOneBody, pointer: string): string {
  const [, member = "", place = "", ...rest] = pointer.split("/");
  switch (member) {
    case "model":
      return pointer;
    case "question":
    case "messages":
      return "/state";
    case "images":
      return picturePointer(picturesOf(body), place);
    case "fields":
      return questionPointer(entriesOf(body.questions)[questionIndex(place)], rest);
    default:
      return `/x_unmask${pointer}`;
  }
}

function picturePointer({ images, assets }: SystemOnePictures, place: string): string {
  const named = entriesOf(assets);
  if (place === "") return images.length === 0 && named.length > 0 ? "/assets" : "/images";
  const image = images[Number(place)];
  if (image !== undefined) return `/images/${place}${typeof image === "object" ? "/base64" : ""}`;
  const asset = named[Number(place) - images.length];
  if (asset === undefined) return "/images";
  const [name, { part }] = asset;
  return `${assetPointer(name)}/${part == null ? "data_base64" : "part"}`;
}

function questionPointer(
  asked: readonly [string, SystemOneQuestion] | undefined,
  [part, option]: readonly string[],
): string {
  if (asked === undefined) return "/questions";
  const [name, question] = asked;
  const own = `/questions/${escaped(name)}`;
  if (part === undefined) return own;
  if (option === undefined) return `${own}/${part}`;
  if (question.type !== "choice") return `${own}/${part}/${option}`;
  const [label = ""] = entriesOf(question.criteria)[Number(option)] ?? [];
  return `${own}/${part}/${escaped(label)}`;
}

function escaped(name: string): string {
  return inPointer(name.slice(0, FIELD_LIMITS.nameLength));
}
