import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeOrderHead,
  encodeOrderHead,
  MAX_HEAD_BYTES,
  type OrderHead,
  orderPrefix,
} from "#wire/function/order.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { options } from "../../support/edge-builders.ts";
import { namedFields } from "../../support/field-arbitraries.ts";

const sha256 = "ab".repeat(32);
const head: OrderHead = {
  messages: [{ role: "user", text: "What is this?" }],
  pictures: [{ bytes: 3, sha256 }],
  options: options(),
};

function changed(fields: object): Uint8Array {
  const body = JSON.parse(new TextDecoder().decode(encodeOrderHead(head)));
  return new TextEncoder().encode(JSON.stringify({ ...body, ...fields }));
}

function number(minimum: number, maximum: number): object {
  return { type: "number", minimum, maximum, decimals: 0 };
}

describe("the head of a work order", () => {
  test("arrives as it was written, in canonical JSON", () => {
    expect(new TextDecoder().decode(encodeOrderHead(head))).toMatch(
      /^\{"messages":\[\{"role":"user","text":"What is this\?"\}\],"pictures":\[\{"bytes":3,"sha256":"(ab){32}"\}\],"options":\{/,
    );
    const texts = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 4 });
    const files = fc.array(fc.nat(MAX_IMAGE_BYTES), { maxLength: 8 });
    fc.assert(
      fc.property(texts, files, fc.nat(), (said, sizes, seed) => {
        const written: OrderHead = {
          messages: said.map((text) => ({ role: "user", text })),
          pictures: sizes.map((bytes) => ({ bytes, sha256 })),
          options: options({ seed }),
        };
        expect(decodeOrderHead(encodeOrderHead(written))).toEqual({ ok: true, value: written });
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  test("brings the fields that are to be read, in their order, whatever they are called", () => {
    fc.assert(
      fc.property(namedFields, fc.double({ min: 0, max: 1, noNaN: true }), (fields, below) => {
        const read = { fields, abstainBelow: below, onTruncate: "widen" } as const;
        const decoded = decodeOrderHead(encodeOrderHead({ ...head, read }));
        expect(decoded).toEqual({ ok: true, value: { ...head, read } });
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test.each([
    ["none", [], "invalid_request"],
    [
      "an option twice",
      [
        {
          name: "kind",
          field: { type: "choice", options: [{ value: "é" }, { value: "e\u0301" }], none: false },
        },
      ],
      "field_options_collide",
    ],
    ["a range without a number", [{ name: "n", field: number(2, 1) }], "fields_invalid"],
    ["a type of another version", [{ name: "n", field: { type: "box" } }], "invalid_request"],
  ])("is refused with fields of which there is %s", (_, fields, kind) => {
    const read = { fields, abstainBelow: 0, onTruncate: "keep" };
    expect(decodeOrderHead(changed({ read }))).toMatchObject({ refusal: { kind } });
  });

  test.each([
    ["a picture beyond the limit", { pictures: [{ bytes: MAX_IMAGE_BYTES + 1, sha256 }] }],
    ["a picture of less than nothing", { pictures: [{ bytes: -1, sha256 }] }],
    ["a picture without its digest", { pictures: [{ bytes: 3 }] }],
    ["nine pictures", { pictures: Array(9).fill({ bytes: 3, sha256 }) }],
    ["pictures that no message brings", { messages: [{ role: "system", text: "?" }] }],
    ["a member that this side does not know", { colour: "blue" }],
  ])("is refused with %s", (_, fields) => {
    expect(decodeOrderHead(changed(fields))).toMatchObject({
      refusal: { kind: "invalid_request" },
    });
  });

  test("is not parsed where it is longer than any question", () => {
    expect(decodeOrderHead(new Uint8Array(MAX_HEAD_BYTES + 1))).toMatchObject({
      refusal: { kind: "body_too_large" },
    });
  });

  test("stands behind its length, four bytes of it", () => {
    expect([...orderPrefix(Uint8Array.of(7, 8, 9))]).toEqual([0, 0, 0, 3, 7, 8, 9]);
  });
});
