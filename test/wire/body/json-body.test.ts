import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPictureText } from "#wire/body/data-uri.ts";
import { type JsonBody, JsonBodyReader } from "#wire/body/json-body.ts";
import { parseJson } from "#wire/body/parse-json.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";

const LIMITS = { liftedFrom: 40, kept: 20 };

function bodyOf(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  limits: typeof LIMITS | null = LIMITS,
): JsonBody {
  const reader = new JsonBodyReader(limits ?? undefined);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  let from = 0;
  for (const end of ends.toSorted((left, right) => left - right)) {
    // A window that is used again, as the edge reads bodies.
    const window = Uint8Array.from(bytes.subarray(from, end));
    reader.write(window);
    window.fill(0x2a);
    from = end;
  }
  return reader.end();
}

/** The strings of a value, in their order. */
function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

const letter = fc.constantFrom(
  ...["A", "b", "/", "+", "=", " ", '"', "\\", "\n", "é", "😀", "%41", "0", "Q".repeat(30)],
);
const long = fc.array(letter, { maxLength: 12 }).map((letters) => letters.join(""));
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    ...[long, fc.integer(), fc.constant(null), fc.boolean()],
    long.map((text) => `data:;base64,${text}`),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("a", "image", "é"), tie("value")),
  ),
})).value;
/** JSON with slashes and letters escaped, as PHP and careful people write it. */
const escaped = (text: string): string => text.replaceAll("/", "\\/").replaceAll("b", "\\u0062");
const json = fc.tuple(value, fc.boolean()).map(([one, escapes]) => {
  const text = JSON.stringify(one);
  return escapes ? escaped(text) : text;
});
const cuts = fc.array(fc.nat(), { maxLength: 6 });

describe("a JSON body that arrives in pieces", () => {
  test("is the value that was sent, and each of its strings the picture that it would be alone", () => {
    fc.assert(
      fc.property(json, cuts, (text, places) => {
        const bytes = new TextEncoder().encode(text);
        const body = bodyOf(bytes, places);
        const [read, whole] = [body.parse(), parseJson(bytes)];
        if (!read.ok || !whole.ok) throw new Error("JSON was refused");
        const [strings, sent] = [stringsOf(read.value), stringsOf(whole.value)];
        expect(strings).toHaveLength(sent.length);
        for (const [index, string] of strings.entries()) {
          const alone = sent[index] ?? "";
          const isShort = Buffer.byteLength(JSON.stringify(alone)) - 2 <= LIMITS.liftedFrom;
          if (isShort && !text.includes("\\")) expect(string).toBe(alone);
          expect(string.slice(0, 2)).toBe(alone.slice(0, 2));
          expect(picture(body.picture(string))).toEqual(
            picture(readPictureText(alone, MAX_IMAGE_BYTES)),
          );
        }
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  test("that is no JSON is refused in the words, and for the place, that it would be at once", () => {
    const bytes = fc
      .tuple(json, fc.nat(), fc.constantFrom(...'\\"\n\x01x,]}é'))
      .chain(([text, at, letter]) => {
        const place = at % (text.length + 1);
        const utf8 = Buffer.from(text.slice(0, place) + letter + text.slice(place + 1));
        // What is wrong in two ways is told the one that is met first, which may be the other one at once.
        const raw = Buffer.from(text);
        if (!text.includes("\\")) raw[at % raw.length] = 0xff;
        const end = place % (utf8.length + 1);
        return fc.constantFrom(utf8, utf8.subarray(0, end), raw);
      });
    fc.assert(
      fc.property(bytes, cuts, (sent, places) => {
        const [read, whole] = [bodyOf(sent, places).parse(), parseJson(sent)];
        if (!whole.ok || !read.ok) expect(read).toEqual(whole);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  test("keeps what its text fields can take, and of longer strings more than any takes", () => {
    const reader = new JsonBodyReader();
    const text = "é".repeat(40_000);
    reader.write(new TextEncoder().encode(JSON.stringify({ text, short: "é".repeat(32_000) })));
    const read = reader.end().parse();
    expect(read).toMatchObject({ value: { short: "é".repeat(32_000) } });
    expect(stringsOf(read.ok && read.value)[0]).not.toBe(text);
  });

  test("keeps a text whole that a field takes, also where each of its letters is written as an escape", () => {
    for (const text of ["д".repeat(16_384), "a".repeat(32_768), "😀".repeat(8_192)]) {
      const ascii = Array.from({ length: text.length }, (_, unit) => {
        const code = text.charCodeAt(unit).toString(16);
        return `\\u${code.padStart(4, "0")}`;
      });
      const sent = Buffer.from(`["${ascii.join("")}","${"A".repeat(100_000)}","${text}"]`);
      const read = bodyOf(sent, [70_000, 190_000], null).parse();
      const [escaped, , plain] = stringsOf(read.ok && read.value);
      expect([escaped === text, plain === text]).toEqual([true, true]);
    }
  });

  test("keeps more of a string than any text field takes, also where each of its letters is written as an escape", () => {
    const sent = Buffer.from(`"${"\\u0041".repeat(40_000)}"`);
    const read = bodyOf(sent, [], null).parse();
    expect(read.ok && String(read.value).length).toBeGreaterThan(32 * 1024);
  });

  test("keeps more of a string than any text field takes, so that each refuses it as it would the whole", () => {
    const reader = new JsonBodyReader();
    reader.write(new TextEncoder().encode(`"${"a".repeat(100_000)}"`));
    const read = reader.end().parse();
    if (!read.ok || typeof read.value !== "string") throw new Error("it was refused");
    expect(read.value.length).toBeGreaterThan(32 * 1024);
    expect(read.value.startsWith("a".repeat(32 * 1024 + 1))).toBe(true);
  });

  test("does not let a caller name a picture of its own making", () => {
    const lifted = `"${"A".repeat(80)}"`;
    const sent = Buffer.from(`[${lifted}, "x 00000000-0000-0000-0000-000000000000 000000"]`);
    const body = bodyOf(sent, [], { liftedFrom: 60, kept: 20 });
    const read = body.parse();
    const [, forged = ""] = stringsOf(read.ok && read.value);
    expect(picture(body.picture(forged))).toEqual(
      picture(readPictureText(forged, MAX_IMAGE_BYTES)),
    );
  });
});

function picture(read: ReturnType<JsonBody["picture"]>): unknown {
  return read.ok ? read.value.toBytes() : read.refusal;
}
