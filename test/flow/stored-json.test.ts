import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { membersOf, StoredJsonError, storedJson, unchanged } from "#edge/storage/stored-json.ts";

interface Thing {
  readonly name: string;
  readonly price: bigint;
  readonly colour: string | null;
}

const isThing = membersOf<Thing>({ name: "string", price: "bigint", colour: ["string", "null"] });

/** Version 0 lay bare, version 1 had no colour. */
const things = storedJson<Thing>({
  name: "a thing",
  is: isThing,
  upgrades: [unchanged, (value) => ({ ...(value as object), colour: null })],
});

describe("stored JSON", () => {
  test("is read as it was written, bigints included", () => {
    fc.assert(
      fc.property(
        fc.record({
          name: fc.string(),
          price: fc.bigInt(),
          colour: fc.option(fc.string()),
        }),
        (thing) => {
          expect(things.read(things.write(thing))).toEqual(thing);
        },
      ),
      { seed: 1 },
    );
  });

  test("what lies bare, from before versions were written down, is brought up to date", () => {
    const bare = JSON.stringify({ name: "a", price: { bigint: "7" } });
    expect(things.read(bare)).toEqual({ name: "a", price: 7n, colour: null });
  });

  test("an older version is brought up to date", () => {
    const older = JSON.stringify({
      stored_version: 1,
      value: { name: "a", price: { bigint: "7" } },
    });
    expect(things.read(older)).toEqual({ name: "a", price: 7n, colour: null });
  });

  test("members that a newer Worker added are kept", () => {
    const newer = { name: "a", price: 7n, colour: null, weight: 3 };
    expect(things.read(things.write(newer))).toEqual(newer);
  });

  test.each([
    ["a newer version", JSON.stringify({ stored_version: 3, value: {} }), "reads up to 2"],
    ["no JSON", "{", "is not JSON"],
    ["another shape", JSON.stringify({ stored_version: 2, value: { name: 1 } }), "another shape"],
    [
      "a missing member",
      JSON.stringify({ stored_version: 2, value: { name: "a" } }),
      "another shape",
    ],
    ["a list", JSON.stringify({ stored_version: 2, value: [] }), "another shape"],
    ["nothing", "null", "another shape"],
    ["a version that is none", JSON.stringify({ stored_version: "2", value: {} }), "whole number"],
  ])("%s is a fault by name", (_, text, message) => {
    expect(() => things.read(text)).toThrow(StoredJsonError);
    expect(() => things.read(text)).toThrow(message);
  });
});
