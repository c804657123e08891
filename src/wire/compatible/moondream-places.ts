import * as z from "zod";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { type Box, boxOf, type PlacesCard, placeQuestion } from "#domain/places.ts";
import type { Result } from "#domain/result.ts";
import type { AskedCard } from "../api/answers/options.ts";
import type { AnswerBody } from "../api/answers/responses.ts";
import type { JsonBody } from "../body/json-body.ts";
import { MAX_NAME_LENGTH } from "../limits.ts";
import {
  type MoondreamRequest,
  moondreamPicture,
  moondreamPictureSchema,
  parseMoondream,
} from "./moondream.ts";

/**
 * Reads a body of `POST /v1/point` and `/v1/detect`: where something is, as one cell of the grid by which the model was trained to say
 * it. Refuses with `invalid_request`.
 */
export function parseMoondreamPlace(
  body: JsonBody,
  card: AskedCard,
  places: PlacesCard,
): Result<MoondreamRequest, Failure> {
  return parseMoondream(body, card, placeSchema, ({ object, image_url }) => ({
    image: moondreamPicture(image_url),
    fields: {
      [PLACE]: {
        ...{ type: "choice", none: true, criteria: places.cells },
        instructions: placeQuestion(places, object),
      },
    },
  }));
}

/** The field that a place is read as. */
const PLACE = "place";

/** What a model is refused with that was trained to say no places. */
export const IN_WORDS_ONLY: FieldProblem = {
  pointer: "/object",
  message: "places are told in words only; ask /v1/query where it is",
};

/** A place as Moondream's clients read it, and how sure the model is of it. */
export interface PlaceFound {
  readonly box: Box;
  /** 0 … 1, among all cells and nowhere. */
  readonly probability: number;
}

/** Returns where an answer says that it is; null where it is nowhere. Throws Error where the answer was asked for something else. */
export function placeFound({ id, fields }: AnswerBody, places: PlacesCard): PlaceFound | null {
  const read = fields?.[PLACE];
  if (read === undefined || !("guess" in read)) throw new Error(`the answer ${id} tells no place`);
  if (read.value === null) return null;
  return { box: boxOf(places, String(read.value)), probability: read.probability };
}

/** Renders it as a reply of `POST /v1/point`: the middle of the cell. */
export function pointBody(found: PlaceFound | null, requestId: string): PointBody {
  if (found === null) return { request_id: requestId, points: [] };
  const { left, top, right, bottom } = found.box;
  const point = { x: (left + right) / 2, y: (top + bottom) / 2, probability: found.probability };
  return { request_id: requestId, points: [point] };
}

/** Renders it as a reply of `POST /v1/detect`: the cell. */
export function detectBody(found: PlaceFound | null, requestId: string): DetectBody {
  if (found === null) return { request_id: requestId, objects: [] };
  const { left, top, right, bottom } = found.box;
  const { probability } = found;
  const object = { x_min: left, y_min: top, x_max: right, y_max: bottom, probability };
  return { request_id: requestId, objects: [object] };
}

interface PlaceBody {
  readonly image_url: string;
  readonly object: string;
  readonly variant?: string;
}

export interface PointBody {
  readonly request_id: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly probability: number;
  }[];
}

export interface DetectBody {
  readonly request_id: string;
  readonly objects: readonly {
    readonly x_min: number;
    readonly y_min: number;
    readonly x_max: number;
    readonly y_max: number;
    readonly probability: number;
  }[];
}

/** Threat: words that are no name of anything, asked again with each cell. */
const MAX_OBJECT_LENGTH = 200;

export const placeSchema: z.ZodType<PlaceBody> = z
  .object({
    image_url: moondreamPictureSchema,
    object: z.string().regex(/\S/, "must not be blank").max(MAX_OBJECT_LENGTH).meta({
      description: "What is looked for, in words.",
      example: "dog",
    }),
    variant: z.string().max(MAX_NAME_LENGTH).exactOptional(),
  })
  .meta({ id: "MoondreamPlace" });

const request_id = z.string();
const share = z.number().min(0).max(1);

/** Schemas of the replies. */
export const pointSchema: z.ZodType<PointBody> = z.strictObject({
  request_id,
  points: z
    .array(z.strictObject({ x: share, y: share, probability: share }))
    .max(1)
    .meta({
      description:
        "The middle of the cell where it is, as shares of width and height; none where it is nowhere.",
    }),
});

export const detectSchema: z.ZodType<DetectBody> = z.strictObject({
  request_id,
  objects: z
    .array(
      z.strictObject({
        x_min: share,
        y_min: share,
        x_max: share,
        y_max: share,
        probability: share,
      }),
    )
    .max(1)
    .meta({
      description: "The cell where it is, as shares of width and height; none where it is nowhere.",
    }),
});
