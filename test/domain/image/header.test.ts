import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import {
  type ImageHeader,
  MAX_COUNTED_FRAMES,
  readImageHeader,
  uprightSize,
} from "#domain/image/header.ts";
import { ascii, concat, exif, gif, jpeg, png, u32, webp } from "../../support/image-files.ts";

function header(bytes: Uint8Array): ImageHeader {
  const read = readImageHeader(bytes);
  if (!read.ok) throw new Error(read.refusal);
  return read.value;
}

const avif = await sharp({ create: { width: 30, height: 20, channels: 3, background: "red" } })
  .avif()
  .toBuffer();
const samples: Record<string, Uint8Array> = {
  avif: new Uint8Array(avif),
  jpeg: jpeg(640, 480, { orientation: 6 }),
  png: png(640, 480, [["eXIf", exif(6)]]),
  webp: webp(640, 480, [["EXIF", exif(6)]]),
  gif: gif(640, 480, 2),
};

describe("readImageHeader", () => {
  test.each(["jpeg", "png", "webp"])("reads size and orientation of a %s", (type) => {
    const read = header(samples[type]!);
    expect(read).toEqual({ type, width: 640, height: 480, orientation: 6, frames: 1 });
    expect(uprightSize(read)).toEqual({ width: 480, height: 640 });
  });

  test("orientations 1 to 4 leave the sides where they are", () => {
    expect(uprightSize(header(jpeg(640, 480, { orientation: 3 })))).toEqual({
      width: 640,
      height: 480,
    });
  });

  test("reads big-endian metadata too, and passes over what is no orientation", () => {
    expect(header(png(2, 2, [["eXIf", exif(8, "big")]])).orientation).toBe(8);
    expect(header(png(2, 2, [["eXIf", exif(9)]])).orientation).toBe(1);
    expect(header(png(2, 2, [["eXIf", ascii("II*\0")]])).orientation).toBe(1);
  });

  test("counts the frames of a GIF, a WebP and an animated PNG", () => {
    expect(header(gif(10, 20, 3))).toMatchObject({ type: "gif", width: 10, height: 20, frames: 3 });
    const frames = Array.from({ length: 4 }, (): [string, Uint8Array] => [
      "ANMF",
      new Uint8Array(16),
    ]);
    expect(header(webp(10, 20, frames)).frames).toBe(4);
    expect(header(png(10, 20, [["acTL", concat(u32(7), u32(0))]])).frames).toBe(7);
  });

  test("says no more than the limit of frames, whatever the file claims", () => {
    const claim = concat(u32(0xffffffff), u32(0));
    expect(header(png(10, 20, [["acTL", claim]])).frames).toBe(MAX_COUNTED_FRAMES);
  });

  test("reads lossy and lossless WebP", () => {
    const lossy = concat(ascii("RIFF"), u32(0), ascii("WEBPVP8 "), u32(10), [
      ...[0, 0, 0, 0x9d, 0x01, 0x2a],
      ...[0x80, 0x02, 0xe0, 0x01],
    ]);
    expect(header(lossy)).toMatchObject({ type: "webp", width: 640, height: 480 });
    const bits = (640 - 1) | ((480 - 1) << 14);
    const lossless = concat(ascii("RIFF"), u32(0), ascii("WEBPVP8L"), u32(10), [
      0x2f,
      ...[bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >>> 24],
      ...[0, 0, 0, 0, 0],
    ]);
    expect(header(lossless)).toMatchObject({ type: "webp", width: 640, height: 480 });
  });

  test("finds a JPEG's frame behind tables, comments and fill bytes", () => {
    const padded = jpeg(9, 7, {
      before: [
        [0xff, 0xff, 0xff, 0xfe, 0, 4, 1, 2],
        [0xff, 0xc4, 0, 4, 0, 0],
      ],
    });
    expect(header(padded)).toMatchObject({ width: 9, height: 7 });
  });

  test.each([
    ["stray bytes", [1, 2, 0, 3, 0xff, 0, 4]],
    ["markers that stand alone", [0xff, 0x01, 0xff, 0xd0, 0xff, 0xd7]],
    ["a segment shorter than its own length", [0xff, 0xfe, 0, 0]],
  ])("passes over %s before a JPEG's frame, as decoders do", (_, bytes) => {
    const frame = jpeg(9, 7, { orientation: 6, before: [bytes] });
    expect(header(frame)).toMatchObject({ width: 9, height: 7, orientation: 6 });
  });

  test("a lossless or hierarchical JPEG, which decoders here do not know, is refused by its kind", () => {
    for (const kind of [0xc3, 0xc5, 0xc6, 0xc7, 0xcb, 0xcd, 0xce, 0xcf]) {
      const bytes = jpeg(9, 7);
      bytes[bytes.indexOf(0xc0)] = kind;
      expect(readImageHeader(bytes)).toMatchObject({
        refusal: expect.stringContaining("lossless or hierarchical"),
      });
    }
  });

  test("reads the size of an AVIF as its container turns and crops it", async () => {
    const create = { width: 30, height: 20, channels: 3, background: "red" } as const;
    const plain = await sharp({ create }).avif().toBuffer();
    const turned = await sharp({ create }).withMetadata({ orientation: 6 }).avif().toBuffer();
    const upright = { type: "avif", width: 30, height: 20, orientation: 1, frames: 1 };
    expect(header(plain)).toEqual(upright);
    expect(header(turned)).toMatchObject({ width: 20, height: 30, orientation: 1 });
  });

  test("an AVIF sequence is an animation", async () => {
    const create = { width: 30, height: 20, channels: 3, background: "red" } as const;
    const bytes = new Uint8Array(await sharp({ create }).avif().toBuffer());
    bytes.set(ascii("avis"), 8);
    expect(header(bytes).frames).toBe(2);
  });

  test("too many segments before the frame are refused", () => {
    const before = Array.from({ length: 2000 }, () => [0xff, 0xfe, 0, 2]);
    expect(readImageHeader(jpeg(9, 7, { before }))).toMatchObject({
      ok: false,
      refusal: expect.stringContaining("segments"),
    });
  });

  test.each([
    ["nothing known", ascii("BM6 is a bitmap")],
    ["a JPEG without pixels", jpeg(0, 7)],
    ["a PNG without pixels", png(3, 0)],
    ["a PNG out of range", png(0x80000000, 1)],
    ["a RIFF of sound", concat(ascii("RIFF"), u32(0), ascii("WAVEfmt "), new Uint8Array(30))],
    ["a JPEG that ends before its frame", [0xff, 0xd8, 0xff, 0xd9, 0, 0, 0, 0]],
  ])("%s is refused with a sentence", (_, bytes) => {
    const read = readImageHeader(Uint8Array.from(bytes));
    expect(read.ok).toBe(false);
    if (!read.ok) expect(read.refusal).toMatch(/ /);
  });

  test.each(Object.keys(samples))(
    "a %s cut anywhere is read as before, or is truncated",
    (type) => {
      const whole = samples[type]!;
      const { width, height } = header(whole);
      for (let length = 0; length < whole.length; length++) {
        const read = readImageHeader(whole.subarray(0, length));
        expect(read.ok ? read.value : read.refusal).toEqual(
          read.ok ? expect.objectContaining({ width, height }) : "truncated",
        );
      }
    },
  );

  test("any bytes give a header or a refusal", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(typeof readImageHeader(bytes).ok).toBe("boolean");
      }),
    );
  });

  test("any damage to a good file gives a header with pixels or a refusal", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(samples)), damage, (file, changes) => {
        const bytes = file.slice();
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        const read = readImageHeader(bytes);
        if (read.ok) {
          expect(read.value.width).toBeGreaterThan(0);
          expect(read.value.height).toBeGreaterThan(0);
          expect(read.value.orientation).toBeGreaterThanOrEqual(1);
          expect(read.value.orientation).toBeLessThanOrEqual(8);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a window into a larger buffer is read from its own beginning", () => {
    const file = samples["png"]!;
    const larger = concat(new Uint8Array(7), file);
    expect(header(larger.subarray(7))).toEqual(header(file));
  });
});
