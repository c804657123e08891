import { readFileSync } from "node:fs";
import path from "node:path";
import sharp, { type PngOptions, type Raw } from "sharp";
import { describe, expect, test } from "vitest";
import { decodeImages } from "#inference/image-codec.ts";
import { decodePictures } from "#playground/private/decode-picture.ts";
import { pixelDigest } from "#wire/function/replay-digest.ts";
import { PICTURES, pngQuestions } from "./equality.ts";

/** Pixels that are all different, in so many channels. */
function raw(channels: Raw["channels"]): { readonly bytes: Uint8Array; readonly raw: Raw } {
  const [width, height] = [37, 23];
  const bytes = new Uint8Array(width * height * channels).map((_, at) => (at * 97 + 13) % 256);
  return { bytes, raw: { width, height, channels } };
}

async function png(channels: Raw["channels"], options: PngOptions = {}): Promise<Uint8Array> {
  const { bytes, raw: form } = raw(channels);
  return Uint8Array.from(await sharp(bytes, { raw: form }).png(options).toBuffer());
}

async function sixteenBits(channels: Raw["channels"]): Promise<Uint8Array> {
  const { bytes, raw: form } = raw(channels);
  const wide = sharp(bytes, { raw: form }).toColourspace(channels < 3 ? "grey16" : "rgb16");
  return Uint8Array.from(await wide.png().toBuffer());
}

const made: readonly (readonly [name: string, file: () => Promise<Uint8Array>])[] = [
  ["grey", () => png(1)],
  ["grey with alpha", () => png(2)],
  ["colour", () => png(3)],
  ["colour with alpha", () => png(4)],
  ["colour, interlaced", () => png(3, { progressive: true })],
  ["a palette", () => png(3, { palette: true })],
  ["a palette of 4 colours", () => png(3, { palette: true, colours: 4 })],
  ["a palette with alpha", () => png(4, { palette: true, colours: 16 })],
  ["colour of 16 bits", () => sixteenBits(3)],
  ["colour of 16 bits with alpha", () => sixteenBits(4)],
  [
    "grey turned by its EXIF",
    async () =>
      Uint8Array.from(
        await sharp(raw(1).bytes, { raw: raw(1).raw })
          .withMetadata({ orientation: 6 })
          .png()
          .toBuffer(),
      ),
  ],
];

/** Of size and pixels: the digest that a replay is held to. */
async function digestOf(decoding: ReturnType<typeof decodeImages>): Promise<string> {
  const decoded = await decoding;
  const [picture] = decoded.ok ? decoded.value : [];
  if (picture === undefined) throw new Error(`it was refused: ${JSON.stringify(decoded)}`);
  return await pixelDigest(picture);
}

describe("a PNG that is not sent", () => {
  test.each(made)(
    "of %s has the pixels that the service's decoder makes of it",
    async (_, file) => {
      const bytes = Uint8Array.from(await file());
      expect(await digestOf(decodePictures([bytes]))).toBe(await digestOf(decodeImages([bytes])));
    },
  );

  test.each([...new Set(pngQuestions().map(({ file }) => file))])(
    "%s of the demo set has the pixels that the service's decoder makes of it",
    async (name) => {
      const bytes = Uint8Array.from(readFileSync(path.join(PICTURES, name)));
      expect(await digestOf(decodePictures([bytes]))).toBe(await digestOf(decodeImages([bytes])));
    },
  );

  test("is refused where it is damaged, and by its header where it is too large", async () => {
    const whole = Uint8Array.from(await png(3));
    const cut = await decodePictures([whole.slice(0, whole.length - 200)]);
    expect(cut).toMatchObject({ ok: false, refusal: { kind: "image_unsupported", image: 0 } });
    const nothing = await decodePictures([new Uint8Array(9)]);
    expect(nothing).toMatchObject({ ok: false });
  });
});
