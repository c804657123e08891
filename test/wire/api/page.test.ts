import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { csvHead, csvLines } from "#wire/api/csv.ts";
import { decodeCursor, encodeCursor, pageOf } from "#wire/api/page.ts";

describe("a cursor", () => {
  test("leads back to the place that it was made of, whatever that is called", () => {
    const schema = z.tuple([z.int(), z.string()]);
    fc.assert(
      fc.property(fc.nat(), fc.string({ unit: "grapheme" }), (at, id) => {
        expect(decodeCursor(encodeCursor([at, id]), schema)).toEqual({ ok: true, value: [at, id] });
      }),
    );
  });

  test("from elsewhere is refused, never thrown", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const decoded = decodeCursor(text, z.tuple([z.int(), z.string()]));
        if (!decoded.ok) expect(decoded.refusal).toMatchObject({ kind: "invalid_request" });
      }),
    );
  });
});

describe("a page", () => {
  const rows = [1, 2, 3];

  test("has a next one exactly when a row more was found", () => {
    const page = (limit: number) => pageOf(rows, limit, String, (row) => [row]);
    expect(page(2)).toMatchObject({ data: ["1", "2"], has_more: true });
    expect(page(2).next_cursor).toBe(encodeCursor([2]));
    expect(page(3)).toMatchObject({ data: ["1", "2", "3"], has_more: false, next_cursor: null });
  });
});

describe("CSV", () => {
  test("keeps commas, quotes and line ends inside their cell", () => {
    expect(csvHead(["a", "b"])).toBe("a,b\r\n");
    expect(csvLines(["a", "b"], [{ a: 'x,"y"\n', b: null }])).toBe('"x,""y""\n",\r\n');
  });

  test.each([
    ...["=1+1", "+1", "-1", "@x", "\tx"],
    ...["\uFF1D1+1", "\uFF0B1", "\uFF0D1", "\uFF20x"],
  ])("lets no spreadsheet compute %j", (text) => {
    expect(csvLines(["a"], [{ a: text }])).toBe(`'${text}\r\n`);
  });

  test.each(["\n=1+1", "\r=1+1"])("lets no line of its own begin with %j", (text) => {
    expect(csvLines(["a"], [{ a: text }])).toBe(`"'${text}"\r\n`);
  });

  test("leaves numbers what they are", () => {
    expect(csvLines(["a"], [{ a: -5 }])).toBe("-5\r\n");
  });
});
