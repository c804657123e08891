import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundaryOf, type FormPart, MultipartReader } from "#wire/body/multipart.ts";

const boundary = "----boundary";

function read(body: Uint8Array, cuts: readonly number[] = [], name = boundary) {
  const reader = new MultipartReader(name);
  const ends = [...cuts.map((cut) => cut % (body.length + 1)), body.length];
  let from = 0;
  for (const end of ends.toSorted((left, right) => left - right)) {
    // A window that is used again, as the edge reads bodies.
    const window = Uint8Array.from(body.subarray(from, end));
    reader.write(window);
    window.fill(0x2a);
    from = end;
  }
  return reader.end()?.map(told);
}

function told({ name, isFile, content }: FormPart) {
  return { name, isFile, text: Buffer.from(content.toBytes()).toString("latin1") };
}

function form(...lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.join("\r\n"), "latin1");
}

const field = 'Content-Disposition: form-data; name="a"';

describe("a form that arrives in pieces", () => {
  test("has the parts that the platform's own writer put into it, byte for byte", async () => {
    const piece = fc.constantFrom("\r", "\n", "-", "--", "\r\n--", "a", "é", "\0", "x".repeat(99));
    const content = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(""));
    // One writer's backslash is another's escape: a name that has one is read as curl would mean it.
    const name = fc.string({ maxLength: 9 }).filter((letters) => !letters.includes("\\"));
    const part = fc.record({ name, content, isFile: fc.boolean() });
    const cuts = fc.array(fc.nat(), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), cuts, async (parts, places) => {
        const data = new FormData();
        for (const { name: field, content: text, isFile } of parts)
          if (isFile) data.append(field, new File([text], "a.png"));
          else data.append(field, text);
        const response = new Response(data);
        const stated = boundaryOf(response.headers.get("content-type") ?? "");
        const body = new Uint8Array(await response.clone().arrayBuffer());
        const expected = await Promise.all(
          [...(await response.formData())].map(async ([field, value]) => ({
            name: field,
            isFile: typeof value !== "string",
            text:
              typeof value === "string"
                ? Buffer.from(value).toString("latin1")
                : Buffer.from(await value.arrayBuffer()).toString("latin1"),
          })),
        );
        expect(read(body, places, stated)).toEqual(expected);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  test.each([
    ["a name in curl's quotes", 'name="a\\"b"', 'a"b'],
    ["a name in a browser's quotes", 'name="a%22b%0D%0A"', 'a"b\r\n'],
    ["a name without quotes", "name=image", "image"],
  ])("reads %s", (_, disposition, name) => {
    const body = form(
      `--${boundary}`,
      `content-disposition: form-data; ${disposition}`,
      ...["content-type: text/plain", "", "hello", `--${boundary}--`, ""],
    );
    expect(read(body)).toEqual([{ name, isFile: false, text: "hello" }]);
  });

  test("takes a part of nothing, an empty first line, and passes over what comes behind the end", () => {
    const body = form("", `--${boundary}`, field, "", "", `--${boundary}--`, "more", "--");
    expect(read(body)).toEqual([{ name: "a", isFile: false, text: "" }]);
  });

  test.each([
    ["nothing", form("")],
    ["no boundary", form("hello")],
    ["another boundary", form("--other", field, "", "a", "--other--")],
    ["no end", form(`--${boundary}`, field, "", "a")],
    ["no final dashes", form(`--${boundary}`, field, "", "a", `--${boundary}`)],
    [
      "a part without a name",
      form(`--${boundary}`, "Content-Type: a/b", "", "a", `--${boundary}--`),
    ],
    ["a header without end", form(`--${boundary}`, `${field}; x=${"x".repeat(9_000)}`)],
    [
      "more than 256 parts",
      form(
        ...Array(257)
          .fill([`--${boundary}`, field, "", "a"])
          .flat(),
        "",
      ),
    ],
  ])("is refused with %s", (_, body) => {
    expect(read(body)).toBeUndefined();
    expect(read(body, [1, 20, 33])).toBeUndefined();
  });

  test("is refused with a boundary that is none", () => {
    expect(read(form(`--${"b".repeat(71)}--`), [], "b".repeat(71))).toBeUndefined();
  });
});

test("the boundary is read from the content type, in quotes or without", () => {
  expect(boundaryOf("multipart/form-data; boundary=abc")).toBe("abc");
  expect(boundaryOf('multipart/form-data; charset=utf-8; BOUNDARY="a b"')).toBe("a b");
  expect(boundaryOf("multipart/form-data")).toBeUndefined();
});
