import type { Failure } from "#domain/failure.ts";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../../api/answers/answer-request.ts";
import type { PictureReader } from "../../api/answers/conversation.ts";
import type { AskedCard } from "../../api/answers/options.ts";
import {
  type AnswerRequest,
  type BesideBody,
  parseAnswerValue,
} from "../../api/answers/requests.ts";
import { askedOptions } from "../decisions/asked-options.ts";
import { latePlacesIn, type PlacedMessage } from "../foreign-body.ts";
import { readSchema, type SchemaFault, type SchemaReading } from "../json-schema/read-schema.ts";
import type { ObjectShape } from "../json-schema/shape.ts";
import { failureIn, type SentPlaces } from "../sent-places.ts";
import { askedFields } from "./asked-fields.ts";
import type { WantedJson } from "./wanted-json.ts";

/** A body of another API that wants the value of a schema. */
export interface SchemaQuestion {
  readonly wanted: Pick<WantedJson, "schema" | "at" | "description">;
  readonly placed: readonly PlacedMessage[];
  /** Where its members stand: as `placesIn` has them. */
  readonly places: { readonly list: string; readonly sent: readonly string[] };
  /** What it says itself, as our own body has it; its messages are put there. */
  readonly said: AnswerRequestBody;
  /** Its `x_unmask`. */
  readonly extras: Readonly<Record<string, unknown>> | undefined;
}

/** What a schema's value is read by. */
export interface AskedSchema {
  readonly request: AnswerRequest;
  readonly shape: ObjectShape;
  readonly placeOf: SentPlaces;
}

/**
 * Reads a body that wants a schema's value as a question with the schema's fields; what the schema says of itself stands before its last
 * message. Refuses with what is wrong with the schema, or as `parseAnswerValue` does, with pointers into the body that was sent.
 */
export function schemaQuestion(
  { wanted, placed, places, said, extras }: SchemaQuestion,
  { card, pictureOf }: { readonly card: AskedCard; readonly pictureOf: PictureReader },
  beside: BesideBody = {},
): Result<AskedSchema, Failure> {
  const { schema, at, description } = wanted;
  const options = askedOptions(extras);
  if (!options.ok) return options;
  const reading = readSchema(schema, card.read ?? UNTOLD_READ_STYLE);
  if (!reading.ok) return refuse(schemaFailure(reading.refusal, at));
  const { fields, shape, assumed } = reading.value;
  const last = placed.at(-1)?.message;
  const about = [description, reading.value.description, last?.content ?? ""];
  const content = [...new Set(about)].filter((text) => text.trim() !== "").join("\n");
  const messages = placed.map(({ message }) =>
    message === last ? { ...message, content } : message,
  );
  const body = { ...options.value, ...said, messages, fields: askedFields(fields) };
  const request = parseAnswerValue(body, card, pictureOf, beside);
  const placeOf = inSchema(reading.value, at, latePlacesIn(placed, places));
  if (!request.ok) return refuse(failureIn(request.refusal, placeOf));
  const warnings =
    assumed.length === 0
      ? request.value.warnings
      : [...request.value.warnings, { kind: "schema_bounds_assumed", bounds: assumed } as const];
  return ok({ request: { ...request.value, warnings }, shape, placeOf });
}

function schemaFailure({ kind, problems }: SchemaFault, at: string): Failure {
  return {
    kind: schemaFailures[kind],
    problems: problems.map(({ pointer, message }) => ({ pointer: at + pointer, message })),
  };
}

const schemaFailures = {
  unsupported: "schema_unsupported",
  invalid: "schema_unsupported",
  options_collide: "field_options_collide",
  too_large: "fields_too_large",
} as const;

/** The places of fields are those of the schema that they were made of, which stands at `at`; others are as `elsewhere` has them. */
export function inSchema(
  { origins }: Pick<SchemaReading, "origins">,
  at: string,
  elsewhere: SentPlaces,
): SentPlaces {
  return (pointer) => {
    const [, member, name = ""] = pointer.split("/");
    return member === "fields" ? at + (origins.get(name) ?? "") : elsewhere(pointer);
  };
}
