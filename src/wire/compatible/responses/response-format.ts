import * as z from "zod";
import type { ReadStyle } from "#domain/read-style.ts";
import type { AnswerBody } from "../../api/answers/responses.ts";
import { finishReason } from "../chat-reply.ts";
import { latePlacesIn } from "../foreign-body.ts";
import { readSchema } from "../json-schema/read-schema.ts";
import type { ObjectShape } from "../json-schema/shape.ts";
import type { JsonText } from "../json-schema/write-json.ts";
import type { SentPlaces } from "../sent-places.ts";
import { jsonOfAnswer } from "../structured/growing-json.ts";
import { inSchema } from "../structured/schema-question.ts";
import type { WantedJson } from "../structured/wanted-json.ts";

/** `text.format` of a response that wants a schema's value. */
export interface JsonFormatBody {
  readonly type: "json_schema";
  readonly name: string;
  readonly description?: string | null;
  /** A JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Accepted for what it asks: every answer keeps to its schema. */
  readonly strict?: boolean | null;
}

/** A format that is kept with its response: what was read is written by it, whenever it is told. */
export interface KeptFormat {
  readonly format: JsonFormatBody;
  /** Of the model that read it: its fields follow from both. */
  readonly style: ReadStyle;
}

const noSchema =
  'is of type text or json_schema; without a schema nothing says what is to be read: {"type": "json_schema", "name": "…", "schema": {…}}';

/** Schema of `text.format`. */
export const textFormatSchema: z.ZodType<{ readonly type: "text" } | JsonFormatBody> =
  z.discriminatedUnion(
    "type",
    [
      z.object({ type: z.literal("text") }),
      z.object({
        type: z.literal("json_schema"),
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "has 1 to 64 letters, digits, _ and -"),
        description: z.string().nullable().exactOptional(),
        schema: z.record(z.string(), z.unknown()).meta({
          description: "A JSON Schema: an object of values that are read off the picture.",
        }),
        strict: z.boolean().nullable().exactOptional(),
      }),
    ],
    { error: noSchema },
  );

/** Finds the format in a body that has been checked: as it was sent, since a copy of the library's has no member `__proto__`. */
export function formatIn(fields: Readonly<Record<string, unknown>>): JsonFormatBody | undefined {
  const { text } = fields as { readonly text?: { readonly format?: JsonFormatBody | null } };
  return text?.format?.type === "json_schema" ? text.format : undefined;
}

/** The same as what a question is made of. */
export function wantedBy({ schema, description }: JsonFormatBody): Omit<WantedJson, "call"> {
  return { schema, at: "/text/format/schema", description: description?.trim() ?? "" };
}

/** The shape of the value that a format describes; undefined where words were wanted. */
export function shapeOf(kept: KeptFormat | undefined): ObjectShape | undefined {
  if (kept === undefined) return undefined;
  const reading = readSchema(kept.format.schema, kept.style);
  return reading.ok ? reading.value.shape : undefined;
}

/** Where in the body of a response stands what our own body has of it. */
export const responsePlaces = { list: "input", sent: ["model", "temperature"] } as const;

/** The same once it was read: the fields of its format are known by the schema, its messages as a list alone. */
export function placesOf(kept: KeptFormat | undefined): SentPlaces {
  const elsewhere = latePlacesIn([], responsePlaces);
  if (kept === undefined) return elsewhere;
  const reading = readSchema(kept.format.schema, kept.style);
  const { at } = wantedBy(kept.format);
  return reading.ok ? inSchema(reading.value, at, elsewhere) : () => at;
}

/** The text of an answer, as its format writes it, and whether that is all of it: neither its canvas was too short nor its time. */
export function textOf(answer: AnswerBody, kept: KeptFormat | undefined): JsonText {
  const shape = shapeOf(kept);
  return shape === undefined
    ? { text: answer.answer, isWhole: finishReason(answer) === "stop" }
    : jsonOfAnswer(shape, answer);
}
