import { Ajv2020 } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { readSchema } from "#wire/compatible/json-schema/read-schema.ts";
import { writeJson } from "#wire/compatible/json-schema/write-json.ts";
import { isFull } from "../../../support/full.ts";
import { readingsOf, supportedSchemas } from "../../../support/schema-arbitraries.ts";

const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 6, ownProperties: true });
ajvFormats.default(ajv);

/** Schemas with fields, and what was read of them. */
const cases = supportedSchemas
  .map((schema) => ({ schema, read: readSchema(schema, UNTOLD_READ_STYLE) }))
  .filter(({ read }) => read.ok || !hasNothing(read.refusal.problems))
  .chain(({ schema, read }) => {
    if (!read.ok) throw new Error(`${JSON.stringify(schema)}: ${JSON.stringify(read.refusal)}`);
    return fc.record({
      schema: fc.constant(schema),
      reading: fc.constant(read.value),
      told: readingsOf(read.value.fields),
      others: fc.array(readingsOf(read.value.fields), { minLength: 3, maxLength: 3 }),
      order: fc.shuffledSubarray([...read.value.fields], { minLength: read.value.fields.length }),
    });
  });

/** Of constants alone nothing is read, and so nothing is asked. */
function hasNothing(problems: readonly { readonly message: string }[]): boolean {
  return problems.every(({ message }) => message.includes("no value that is to be read"));
}

// A few here and ten thousand readings in `npm run test:full`: the validator takes a hundredth of a second for each schema.
describe("any schema that is supported, whatever was read", () => {
  test("gets a value that it describes, its properties in its order", () => {
    fc.assert(
      fc.property(cases, ({ schema, reading, told, others }) => {
        const validate = ajv.compile(schema);
        const names = Object.keys(schema["properties"] as object);
        for (const read of [told, ...others]) {
          const { text, isWhole } = writeJson(reading.shape, (name) => read.get(name));
          expect(isWhole).toBe(true);
          const value: object = JSON.parse(text);
          const isValid = validate(value);
          const why = `${JSON.stringify(schema)} ${text} ${ajv.errorsText(validate.errors)}`;
          expect(isValid, why).toBe(true);
          expect(Object.keys(value)).toEqual(names.filter((name) => Object.hasOwn(value, name)));
        }
      }),
      { numRuns: isFull ? 2_500 : 60, seed: 20261128 },
    );
  }, 300_000);

  test("is told so that its text only grows, in whatever order its fields become known", () => {
    fc.assert(
      fc.property(cases, ({ reading, told, order }) => {
        const known = new Set<string>();
        let before = "";
        for (const { name } of order) {
          known.add(name);
          const { text } = writeJson(reading.shape, (own) =>
            known.has(own) ? told.get(own) : undefined,
          );
          expect(text.startsWith(before)).toBe(true);
          before = text;
        }
        expect(before).toBe(writeJson(reading.shape, (name) => told.get(name)).text);
      }),
      { numRuns: isFull ? 2_500 : 100, seed: 20261128 },
    );
  });
});
