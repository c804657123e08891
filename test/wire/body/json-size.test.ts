import fc from "fast-check";
import { expect, test } from "vitest";
import { countJsonValues } from "#wire/body/json-size.ts";

const utf8 = new TextEncoder();

/** The values of a value, itself included; an empty list or object counts as having one. */
function valuesOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const members = Object.values(value);
  return (
    1 +
    Math.max(
      1,
      members.map(valuesOf).reduce((sum, count) => sum + count, 0),
    )
  );
}

test("the values of JSON are counted, whatever their strings hold", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(countJsonValues(utf8.encode(json), 1e9)).toBe(valuesOf(JSON.parse(json)));
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("commas, brackets and escaped quotes in strings are text", () => {
  const text = JSON.stringify({ question: 'a, [b], {c} "d", \\', canvas: 1 });
  expect(countJsonValues(utf8.encode(text), 1e9)).toBe(3);
});

test("nothing is read beyond the limit", () => {
  expect(countJsonValues(utf8.encode(`[${"1,".repeat(1000)}1]`), 10)).toBe(11);
});

test("a string ends at its own quote, whatever stands escaped before it", () => {
  const fragments = fc.array(fc.constantFrom("\\", '"', ",", "[", "{", "ä", "a"), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.array(fragments), (texts) => {
      const values = texts.map((text) => text.join(""));
      const json = utf8.encode(JSON.stringify(values));
      expect(countJsonValues(json, 1e9)).toBe(valuesOf(values));
    }),
    { seed: 1, numRuns: 1000 },
  );
});
