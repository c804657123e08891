import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { refuse } from "#domain/result.ts";
import { isDataUri, PictureTextReader, readPictureText } from "#wire/body/data-uri.ts";
import { LiftedString } from "#wire/body/lifted-string.ts";
import { PercentReader } from "#wire/body/percent-reader.ts";
import { readPictureTextAtOnce } from "../../support/picture-text-twin.ts";

const LIMIT = 1000;

function read(text: string, limit = LIMIT): string {
  const bytes = readPictureText(text, limit);
  if (!bytes.ok) throw new Error(bytes.refusal.message);
  return Buffer.from(bytes.value.toBytes()).toString("latin1");
}

/** The standard's own reader, which every browser and Node have: undefined where it refuses. */
async function standard(uri: string): Promise<string | undefined> {
  try {
    return Buffer.from(await (await fetch(uri)).arrayBuffer()).toString("latin1");
  } catch (cause) {
    if (cause instanceof TypeError) return undefined;
    throw cause;
  }
}

describe("a picture as text", () => {
  test.each([
    ["with line breaks, as every mail and openssl writes it", "iVBO\r\nRw0K\n"],
    ["without padding", "iVBORw0K"],
    ["as a data URI", "data:image/png;base64,iVBORw0K"],
    ["with a scheme and an encoding in capitals", "DATA:image/PNG;BASE64,iVBORw0K"],
    ["with spaces around the parts", "  data: image/png ; base64 , iVBORw0K \n"],
    ["with parameters", "data:image/png;name=a.png;base64,iVBORw0K"],
    ["percent-encoded", "data:image/png;base64,iVBORw0%4b%0D%0A"],
    ["as bytes of its own, percent-encoded", "data:image/png,%89PNG%0D%0A"],
    ["with a fragment", "data:image/png;base64,iVBORw0K#top"],
  ])("is read %s", (_, text) => {
    expect(read(text)).toBe("\x89PNG\r\n");
  });

  test("is read in the URL-safe alphabet too, padded or not", () => {
    for (const text of ["_-_-", "_-8=", "_-8", "data:;base64,_-_-"])
      expect(read(text)).toBe(read(text.replaceAll("-", "+").replaceAll("_", "/")));
  });

  test.each([
    ["nothing", "", /^is empty/],
    ["white space", " \n", /^is empty/],
    ["a data URI of nothing", "data:image/png;base64,", /^is empty/],
    ["a data URI without a comma", "data:image/png;base64", /without a comma/],
    ["an address", "https://pictures.test/a.png", /^is an address/],
    ["a stray character", "AAAA*AAA", /"\*" at character 5/],
    ["a stray character in a data URI", "data:;base64,AA😀A", /"😀" at character 3/],
    ["a cut end", "AAAAA", /end missing/],
    ["padding that does not fit", "AAA==", /end missing/],
    ["too many bytes", "A".repeat(1400), /^has 1050 bytes; 1000 are the most/],
    ["too many bytes of its own", `data:,${"A".repeat(1001)}`, /^has 1001 bytes; 1000/],
  ])("is refused for %s by what is wrong with it", (label, text, message) => {
    expect(readPictureText(text, LIMIT)).toMatchObject({
      refusal: {
        message: expect.stringMatching(message),
        isTooLarge: label.startsWith("too many bytes"),
      },
    });
  });

  test("is as long as its bytes, not as its text: line breaks and escapes do not count", () => {
    const base64 = Buffer.alloc(LIMIT, 7).toString("base64");
    const broken = base64.replace(/.{76}/g, "$&\r\n");
    const escaped = base64.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
    expect(read(broken)).toHaveLength(LIMIT);
    expect(read(`data:image/png;base64,${escaped}`)).toHaveLength(LIMIT);
  });

  test("as a data URI is what the standard's own reader makes of it", async () => {
    const piece = fc.constantFrom(
      ...["data:", "DATA:", ";base64", "; BASE64", ",", "image/png", " ", "\n", "\t", "#", "é"],
      ...["AAAA", "QUJD", "Q", "=", "==", "+/", "%41", "%", "%4", "%2C", "%3d", "charset=x"],
    );
    const uri = fc.array(piece, { maxLength: 8 }).map((pieces) => `data:${pieces.join("")}`);
    await fc.assert(
      fc.asyncProperty(uri, async (text) => {
        const [own, theirs] = [readPictureText(text, LIMIT), await standard(text)];
        expect(own.ok ? Buffer.from(own.value.toBytes()).toString("latin1") : "").toBe(
          theirs ?? "",
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("a picture as text that arrives in pieces", () => {
  const piece = fc.constantFrom(
    ...["data:", "DATA:image/png", ";base64", ",", " ", "\n", "\t", "#", "é", "😀", "https:", "\f"],
    ...["AAAA", "QUJD", "Q", "QQ", "=", "==", "===", "+/", "-_", "*", "A".repeat(100)],
    ...["%41", "%", "%4", "%2C", "%3d", "%20", "%C3%A9", "%0A", "%23", "A".repeat(900)],
  );
  const text = fc.tuple(
    fc.constantFrom("", "data:;base64,", "data:,", " data:a/b;base64 ,"),
    fc.array(piece, { maxLength: 8 }),
  );

  test("is what it is at once: the same bytes, or the same words about the same character", () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(1500), { maxLength: 4 }), ([start, pieces], cuts) => {
        const whole = start + pieces.join("");
        const utf8 = new TextEncoder().encode(whole);
        const reader = new PictureTextReader(LIMIT);
        let from = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), utf8.length]) {
          reader.write(utf8.subarray(from, cut));
          from = Math.max(from, Math.min(cut, utf8.length));
        }
        const read = reader.end();
        const told = read.ok ? { ok: true, value: read.value.toBytes() } : read;
        expect(told).toEqual(readPictureTextAtOnce(whole, LIMIT));
      }),
      { seed: 3, numRuns: 3000 },
    );
  });

  test("of ten megabytes is decoded to the byte", () => {
    const bytes = Uint8Array.from({ length: 10_000_001 }, (_, index) => (index * 7) ^ (index >> 8));
    const utf8 = Buffer.from(`data:image/png;base64,${Buffer.from(bytes).toString("base64")}`);
    const reader = new PictureTextReader(bytes.length);
    for (let from = 0; from < utf8.length; from += 65_531)
      reader.write(utf8.subarray(from, from + 65_531));
    const read = reader.end();
    expect(read.ok && Buffer.compare(read.value.toBytes(), bytes)).toBe(0);
  });

  test("is not kept beyond the limit, and how large it is is told all the same", () => {
    const reader = new PictureTextReader(3_000);
    for (let turn = 0; turn < 100; turn += 1) reader.write(Buffer.from("AAAA".repeat(1_000)));
    expect(reader.end()).toMatchObject({
      refusal: { message: "has 300000 bytes; 3000 are the most", isTooLarge: true },
    });
  });
});

test("a data URI is known by its scheme, however it is written", () => {
  for (const text of ["data:,", "DaTa:x", "\n data:"]) expect(isDataUri(text), text).toBe(true);
  for (const text of ["", "data", "https://a/?data:", "xdata:"])
    expect(isDataUri(text), text).toBe(false);
});

/** What a reader is handed, as many pieces as it is handed. */
function collector(): { readonly pieces: string[]; readonly write: (bytes: Uint8Array) => void } {
  const pieces: string[] = [];
  return { pieces, write: (bytes) => void pieces.push(Buffer.from(bytes).toString("latin1")) };
}

describe("a text of many small parts is handed on in large pieces", () => {
  test("spaces between the letters of a URI's body", () => {
    const { pieces, write } = collector();
    const reader = new PercentReader(write, { keepsSpaces: false });
    for (const text of [" a  b".repeat(1000), "   ", "%20 %", "4 c  ", "  "])
      reader.write(Buffer.from(text));
    reader.end();
    expect(pieces.join("")).toBe(`${" a  b".repeat(1000)}     %4 c`);
    expect(pieces.length).toBeLessThan(10);
  });

  test("of a JSON string, what stands between its escapes is looked at once more only behind a letter that is not ASCII", () => {
    const { write } = collector();
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    const end = (): ReturnType<PictureTextReader["end"]> =>
      refuse({ message: "", isTooLarge: false });
    const string = new LiftedString("", { write, end });
    for (const part of ["\u00e9", "\\/A\\u0042".repeat(1000), "\u00e9\\/"])
      string.write(Buffer.from(part));
    string.end();
    expect([string.isUtf8, decode.mock.calls.length < 10]).toEqual([true, true]);
    vi.restoreAllMocks();
    for (const broken of [[0xc3], [0xc3, 0x5c, 0x2f], [0xc3, 0x41]]) {
      const other = new LiftedString("", { write, end });
      for (const byte of broken) other.write(Uint8Array.of(byte));
      other.end();
      expect(other.isUtf8).toBe(false);
    }
  });

  test("escapes of a JSON string", () => {
    const { pieces, write } = collector();
    const string = new LiftedString("", {
      write,
      end: () => refuse({ message: "", isTooLarge: false }),
    });
    string.write(Buffer.from("\\/A\\u0042".repeat(20_000)));
    expect(pieces.join("")).toBe("/AB".repeat(20_000));
    expect(pieces.length).toBeLessThan(10);
  });
});
