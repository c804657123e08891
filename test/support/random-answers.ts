import Ajv from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { expect } from "vitest";
import { type JsonValue, jsonObject } from "#domain/field-reading.ts";
import { asClosed, asOpen, type Field, optionsOf } from "#domain/fields.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { distribution } from "#model/template/distribution.ts";
import { bestLegal } from "#model/template/language/best-legal.ts";
import { readNumeral } from "#model/template/language/numerals.ts";
import { openLanguage } from "#model/template/languages.ts";
import { readClosed } from "#model/template/reading.ts";
import { FIRST_BYTE, fakeTokenizer } from "./fake-tokenizer.ts";
import { namedFields } from "./field-arbitraries.ts";

const FILLER = 0;
/** Bytes of numbers, days and hours; of words, a quote and a backslash; of characters that take two bytes and four. */
const bytes = [...new TextEncoder().encode('0123456789-+.:TZa "\\\n\u007fé🐈')].map(
  (byte) => FIRST_BYTE + byte,
);
const ajv = addFormats.default(new Ajv.Ajv());

/** A value of a field as a model with random thoughts would read it. */
function randomValue(field: Field, uniform: () => number): JsonValue {
  if (field.type === "list") {
    const count = Math.floor(uniform() * (field.maxItems + 1));
    return Array.from({ length: count }, () => randomValue(field.items, uniform));
  }
  const closed = asClosed(field);
  if (closed !== undefined) {
    const isNoneAsked = field.type === "choice" && field.none;
    const options = optionsOf(field).length + (isNoneAsked ? 1 : 0);
    const scores = Array.from({ length: options }, () => Math.log(uniform()) * 8);
    return readClosed(closed, { distribution: distribution(scores), scores }, uniform()).value;
  }
  const { automaton, width } = openLanguage(asOpen(field)!);
  const candidates = Array.from({ length: width }, () =>
    [...bytes, FILLER].map((token) => ({ token, logProb: Math.log(uniform()) * 8 })),
  );
  const language = { automaton, filler: FILLER, bytesOf: fakeTokenizer.bytesOf };
  const text = fakeTokenizer.decode(bestLegal(language, candidates)!.tokens).trim();
  if (text === "") return null;
  return field.type === "number" ? readNumeral(text) : text;
}

/** What a caller may expect of a field's value, as a JSON schema. */
function schemaOf(field: Field): object {
  const orNull = (schema: object): object => ({ anyOf: [schema, { type: "null" }] });
  switch (field.type) {
    case "boolean":
      return orNull({ type: "boolean" });
    case "choice":
    case "score":
    case "answers":
      return orNull({ enum: optionsOf(field).map(({ value }) => value) });
    case "number": {
      const { minimum, maximum, decimals } = field;
      return orNull({ type: decimals === 0 ? "integer" : "number", minimum, maximum });
    }
    case "date":
      return { type: "string", format: "date" };
    case "time":
      return { type: "string", pattern: field.seconds ? "^..:..:..$" : "^..:..$" };
    case "datetime":
      return { type: "string", pattern: "^....-..-..T..:" };
    case "text":
      return orNull({ type: "string", maxLength: field.maxTokens, pattern: "^[^\\n]*$" });
    case "list":
      return { type: "array", items: schemaOf(field.items), maxItems: field.maxItems };
    default:
      return field satisfies never;
  }
}

/** Reads random fields with random logits, and holds that each answer is JSON of the form that its fields allow. */
export function expectValidAnswers(run: { readonly seed: number; readonly numRuns: number }): void {
  fc.assert(
    fc.property(namedFields, fc.integer(), (fields, seed) => {
      const { next } = mulberry32(seed);
      const values = fields.map(({ name, field }) => [name, randomValue(field, next)] as const);
      const answer: object = JSON.parse(jsonObject(values));
      // Under names that a validator can have as properties, whatever they were.
      const named = (entries: readonly (readonly [string, unknown])[]): object =>
        Object.fromEntries(entries.map(([name, value]) => [`_${name}`, value]));
      const validate = ajv.compile({
        type: "object",
        properties: named(fields.map(({ name, field }) => [name, schemaOf(field)])),
        required: fields.map(({ name }) => `_${name}`),
        additionalProperties: false,
      });
      expect(validate(named(Object.entries(answer))), JSON.stringify(validate.errors)).toBe(true);
    }),
    run,
  );
}
