import fc from "fast-check";
import type { FieldReading, SingleReading } from "#domain/field-reading.ts";
import { asClosed, asOpen, type Field, type NamedField, optionsOf } from "#domain/fields.ts";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { distribution } from "#model/template/distribution.ts";
import { readClosed } from "#model/template/reading.ts";
import { fieldBodies } from "#wire/api/answers/fields/field-body.ts";
import type { AskedCard } from "#wire/api/answers/options.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { untold } from "./edge-builders.ts";

/** The card of a model whose questions may name fields. */
export const readingCard: AskedCard = { ...untold, read: UNTOLD_READ_STYLE };

/** How much a field's options weigh against each other; those that are missing weigh 1. */
export const weights: fc.Arbitrary<number[]> = fc.array(
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  { maxLength: 12 },
);

/** An answer to fields, each read with the next weights: of what is written the first says how likely it is, and which value it is. */
export function readAnswer(
  fields: readonly NamedField[],
  weighed: Iterable<readonly number[]>,
  abstainBelow: number,
): AnswerBody {
  const stream = weighed[Symbol.iterator]();
  const next = (): readonly number[] => {
    const { done, value } = stream.next();
    return done === true ? [] : value;
  };
  const read = fields.map(({ name, field }) => ({
    name,
    reading: readingOf(field, next(), abstainBelow),
  }));
  const example = (answerSchema.meta()?.["example"] ?? {}) as AnswerBody;
  return {
    ...example,
    tokens: [],
    usage: { ...example.usage, prompt_length: 760, cached_image_vectors: 12 },
    fields: fieldBodies(read),
  };
}

function readingOf(field: Field, given: readonly number[], abstainBelow: number): FieldReading {
  if (field.type !== "list") return singleReading(field, given, abstainBelow);
  const counts = distribution(
    Array.from({ length: field.maxItems + 1 }, (_, at) => weightAt(given, at)),
  );
  const items = Array.from({ length: counts.best }, () =>
    singleReading(field.items, given, abstainBelow),
  );
  return { kind: "list", type: "list", items, counts: counts.probabilities };
}

function singleReading(
  field: Exclude<Field, { readonly type: "list" }>,
  given: readonly number[],
  abstainBelow: number,
): SingleReading {
  const closed = asClosed(field);
  if (closed !== undefined) {
    const scores = optionsOf(field).map((_, at) => weightAt(given, at) - 20);
    return readClosed(closed, { distribution: distribution(scores), scores }, abstainBelow);
  }
  const [first = 1] = given;
  const isShown = first >= 1;
  const probability = isShown ? 1 / (1 + first) : null;
  return {
    ...{ kind: "open", type: asOpen(field)!.type, pNone: isShown ? 0.25 : 0.75 },
    ...{ probability, tokenMin: probability, truncated: false },
    value: isShown ? writtenValue(field, first) : null,
  };
}

function weightAt(given: readonly number[], at: number): number {
  return Math.log(given[at] ?? 1);
}

/** Some value that a field may have. */
function writtenValue(field: Field, weight: number): string | number {
  const share = 1 - 1 / (1 + weight);
  const minute = new Date(Math.floor(share * 4e12)).toISOString();
  switch (field.type) {
    case "number": {
      const value = field.minimum + share * (field.maximum - field.minimum);
      return Number(value.toFixed(field.decimals));
    }
    case "date":
      return minute.slice(0, 10);
    case "time":
      return minute.slice(11, field.seconds ? 19 : 16);
    case "datetime":
      return minute.slice(0, field.seconds ? 19 : 16);
    default:
      return share > 0.9 ? "" : `text ${share}`;
  }
}

/** Lists in lists, so many levels deep. */
export function nested(depth: number): object {
  let data: object = [];
  for (let level = 1; level < depth; level += 1) data = [data];
  return data;
}
