import sharp, { type Sharp } from "sharp";
import { describe, expect, test, vi } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { MAX_IMAGE_SIDE } from "#domain/image/judge.ts";
import { ok, type Result } from "#domain/result.ts";
import type { Picture } from "#domain/tensor.ts";
import { decodeImages } from "#inference/image-codec.ts";

const orange = { r: 255, g: 128, b: 0 };

function flat(width: number, height: number, background: object = orange): Sharp {
  return sharp({ create: { width, height, channels: 3, background } });
}

function noise(width: number, height: number): Sharp {
  const create = {
    width,
    height,
    channels: 3,
    background: "black",
    noise: { type: "gaussian", mean: 128, sigma: 40 },
  } as const;
  return sharp({ create });
}

/** Overwrites the size that a PNG's header claims, with its checksum made right again by nobody: decoders must look first. */
function claiming(png: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(png);
  forged.writeUInt32BE(width, 16);
  forged.writeUInt32BE(height, 20);
  return forged;
}

/** A comment segment of a JPEG. */
function comment(body: Buffer): Buffer {
  const length = body.length + 2;
  return Buffer.concat([Uint8Array.of(0xff, 0xfe, length >> 8, length & 255), body]);
}

/** Decodes a file that comes behind `before` others. */
async function decodeImage(file: Uint8Array, before: number): Promise<Result<Picture, Failure>> {
  const first = await flat(1, 1).png().toBuffer();
  const pictures = await decodeImages([...new Array<Uint8Array>(before).fill(first), file]);
  if (!pictures.ok) return pictures;
  const picture = pictures.value.at(-1);
  if (picture === undefined) throw new Error("no picture came back");
  return ok(picture);
}

describe("decoding a picture", () => {
  test("gives upright RGB, three bytes a pixel", async () => {
    const picture = await decodeImage(await flat(7, 3).png().toBuffer(), 0);
    expect(picture).toMatchObject({ ok: true, value: { width: 7, height: 3 } });
    expect(picture.ok && [...picture.value.pixelsHWC.subarray(0, 6)]).toEqual([
      255, 128, 0, 255, 128, 0,
    ]);
  });

  test("a grey picture has three equal channels", async () => {
    const grey = await flat(4, 4, { r: 90, g: 90, b: 90 }).toColourspace("b-w").png().toBuffer();
    const picture = await decodeImage(grey, 0);
    expect(picture.ok && [...picture.value.pixelsHWC]).toEqual(new Array(48).fill(90));
  });

  test("sixteen bits and alpha end as eight bits: what is bright and half seen lies on black", async () => {
    const create = {
      width: 2,
      height: 2,
      channels: 4,
      background: { ...orange, alpha: 0.5 },
    } as const;
    const picture = await decodeImage(
      await sharp({ create }).toColourspace("rgb16").png().toBuffer(),
      0,
    );
    expect(picture.ok && picture.value.pixelsHWC).toHaveLength(12);
    expect(picture.ok && Math.abs(picture.value.pixelsHWC[0]! - 128)).toBeLessThanOrEqual(1);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("EXIF orientation %i stands upright", async (orientation) => {
    const file = await flat(40, 20).jpeg().withMetadata({ orientation }).toBuffer();
    const picture = await decodeImage(file, 0);
    const turned = orientation >= 5;
    expect(picture).toMatchObject({
      ok: true,
      value: turned ? { width: 20, height: 40 } : { width: 40, height: 20 },
    });
  });

  test("one pixel is a picture", async () => {
    expect(await decodeImage(await flat(1, 1).png().toBuffer(), 0)).toMatchObject({
      ok: true,
      value: { width: 1, height: 1 },
    });
  });

  test.each(["jpeg", "png", "webp"] as const)(
    "half a %s is truncated, not unsupported",
    async (format) => {
      const whole = await noise(300, 200).toFormat(format).toBuffer();
      const half = await decodeImage(whole.subarray(0, whole.length >> 1), 2);
      expect(half).toEqual({ ok: false, refusal: { kind: "image_truncated", image: 2 } });
    },
  );

  test("a JPEG that lacks only its end mark is decoded, and to the same pixels; one that lacks pixels is not", async () => {
    const whole = await noise(64, 48).jpeg().toBuffer();
    const preview = await noise(8, 8).jpeg().toBuffer();
    // A preview in the metadata has an end mark of its own, which is not the picture's.
    const head = Buffer.concat([whole.subarray(0, 2), comment(preview), whole.subarray(2)]);
    for (const file of [whole, head]) {
      const expected = await decodeImage(file, 0);
      for (const missing of [1, 2])
        expect(await decodeImage(file.subarray(0, file.length - missing), 0)).toEqual(expected);
      for (const missing of [8, 40, 400])
        expect(await decodeImage(file.subarray(0, file.length - missing), 0)).toEqual({
          ok: false,
          refusal: { kind: "image_truncated", image: 0 },
        });
    }
  });

  test("a JPEG with a film behind its end is decoded, whatever stands in that, and with stray bytes in front", async () => {
    const whole = await noise(64, 48).jpeg().toBuffer();
    const stray = Buffer.concat([whole.subarray(0, 2), Buffer.from([1, 2, 3]), whole.subarray(2)]);
    const film = Buffer.concat([Buffer.from("ftypmp42"), Uint8Array.of(0xff, 0xda, 0, 9)]);
    const expected = await decodeImage(whole, 0);
    expect(await decodeImage(Buffer.concat([stray, film]), 0)).toEqual(expected);
  });

  test("a fault of the machine is thrown, and no word about the picture", async () => {
    const file = await flat(4, 4).png().toBuffer();
    const raw = vi.spyOn(sharp.prototype, "toBuffer");
    raw.mockRejectedValue(new Error("vips_tracked: out of memory -- size == 48MB"));
    await expect(decodeImages([file])).rejects.toThrow("decoding picture 0 broke");
    raw.mockRejectedValue(new Error("colour profile: unknown something"));
    expect(await decodeImages([file])).toMatchObject({ refusal: { kind: "image_unsupported" } });
    raw.mockRestore();
  });

  test("what is no picture is unsupported", async () => {
    const text = await decodeImage(new TextEncoder().encode("<html>not a picture</html>"), 0);
    expect(text).toMatchObject({ ok: false, refusal: { kind: "image_unsupported", image: 0 } });
    const empty = await decodeImage(new Uint8Array(0), 0);
    expect(empty.ok).toBe(false);
  });

  test("a small file that claims a huge picture is a bomb", async () => {
    const forged = claiming(await flat(8, 8).png().toBuffer(), 65_535, 65_535);
    expect(await decodeImage(forged, 0)).toEqual({
      ok: false,
      refusal: { kind: "image_bomb", image: 0, width: 65_535, height: 65_535 },
    });
  });

  test("an honest picture over the limit is too large", async () => {
    const forged = claiming(await noise(300, 300).png().toBuffer(), MAX_IMAGE_SIDE + 1, 4_000);
    expect(await decodeImage(forged, 1)).toMatchObject({
      ok: false,
      refusal: { kind: "image_too_large", image: 1 },
    });
  });

  test("an animation is refused: which of its pictures was meant?", async () => {
    const frames = await Promise.all([flat(4, 4).png().toBuffer(), noise(4, 4).png().toBuffer()]);
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect(await decodeImage(animation, 0)).toMatchObject({
      ok: false,
      refusal: { kind: "image_unsupported", reason: expect.stringContaining("animation") },
    });
  });

  test("many large pictures are judged together, before any is decoded", async () => {
    const large = await flat(8_000, 8_000).jpeg().toBuffer();
    expect(await decodeImages([large, large, large])).toMatchObject({
      ok: false,
      refusal: { kind: "image_too_large", image: 2, pixels: 192_000_000 },
    });
  });
});
