import { readFileSync } from "node:fs";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { readImageHeader } from "#domain/image/header.ts";
import { judgeImages, MAX_IMAGE_PIXELS, type PricedPicture } from "#domain/image/judge.ts";
import type { Picture } from "#domain/tensor.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { validPictures } from "../support/corpora.ts";
import { corners, exifFiles, pngChunk, tiff } from "../support/exif-files.ts";
import type { NamedFile } from "../support/forgeries.ts";
import { concat, riffChunk } from "../support/image-files.ts";

// Two readers look at one file: the header's, by which it is priced, and the decoder. They must see one picture, or the
// question is refused. The seeds are fixed, so that what fails here fails again.

/** What the decoder itself says of a file; undefined where it gives up. */
async function decodersWord(bytes: Uint8Array): Promise<PricedPicture | undefined> {
  try {
    const patience = { limitInputPixels: MAX_IMAGE_PIXELS, pages: 1, failOn: "none" } as const;
    const source = sharp(bytes, patience);
    const { width, height, orientation = 1 } = await source.metadata();
    return { width, height, orientation };
  } catch {
    return undefined;
  }
}

/** Where a stored pixel is seen. Source: EXIF 2.32 §4.6.4, the row and column that each orientation names. */
const places: readonly ((
  x: number,
  y: number,
  width: number,
  height: number,
) => readonly [number, number])[] = [
  (x, y) => [x, y],
  (x, y, width) => [width - 1 - x, y],
  (x, y, width, height) => [width - 1 - x, height - 1 - y],
  (x, y, _, height) => [x, height - 1 - y],
  (x, y) => [y, x],
  (x, y, _, height) => [height - 1 - y, x],
  (x, y, width, height) => [height - 1 - y, width - 1 - x],
  (x, y, width) => [y, width - 1 - x],
];

/** The stored pixels, turned one by one. */
async function turned(bytes: Uint8Array, orientation: number): Promise<Picture> {
  const stored = await decodeImages([bytes], [await storedSize(bytes)]);
  if (!stored.ok) throw new Error("the stored pixels cannot be had");
  const [{ width, height, pixelsHWC } = { width: 0, height: 0, pixelsHWC: new Uint8Array() }] =
    stored.value;
  const across = orientation >= 5 ? height : width;
  const seen = new Uint8Array(pixelsHWC.length);
  const place = places[orientation - 1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [toX, toY] = place?.(x, y, width, height) ?? [0, 0];
      const from = (y * width + x) * 3;
      seen.set(pixelsHWC.subarray(from, from + 3), (toY * across + toX) * 3);
    }
  return { width: across, height: orientation >= 5 ? width : height, pixelsHWC: seen };
}

async function decodedBytes(file: Uint8Array, priced: readonly PricedPicture[] | null) {
  const decoded = await decodeImages([file], priced);
  const [picture] = decoded.ok ? decoded.value : [];
  if (picture === undefined) throw new Error("the picture was refused");
  return bytesOf(picture);
}

function bytesOf({ width, height, pixelsHWC }: Picture): readonly number[] {
  return [width, height, ...pixelsHWC];
}

async function storedSize(bytes: Uint8Array): Promise<PricedPicture> {
  const { width, height } = await sharp(bytes).metadata();
  return { width, height, orientation: 1 };
}

/** Holds one file to the rule: refused when priced, or decoded as it was priced, or refused by name. */
async function hold(
  bytes: Uint8Array,
  name: string,
): Promise<"priced away" | "decoded" | "refused"> {
  const headers = judgeImages([bytes]);
  if (!headers.ok) return "priced away";
  const [header] = headers.value;
  if (header === undefined) throw new Error("no header");
  const decoded = await decodeImages([bytes], [header]).catch((cause: unknown) => {
    throw new Error(`${name} broke the decoder`, { cause });
  });
  if (!decoded.ok) {
    expect(decoded.refusal.kind, name).toMatch(/^image_(unsupported|truncated)$/);
    return "refused";
  }
  const word = await decodersWord(bytes);
  const { width, height, orientation } = header;
  expect(word, name).toMatchObject({ width, height });
  const isTurned = orientation >= 5;
  expect(decoded.value[0], name).toMatchObject(
    isTurned ? { width: height, height: width } : { width, height },
  );
  return "decoded";
}

let odd: readonly NamedFile[];
let bases: readonly NamedFile[];

beforeAll(async () => {
  odd = await exifFiles();
  const webp = await corners().webp({ lossless: true }).toBuffer();
  const avif = readFileSync("test/fixtures/odd-pictures/avif.avif");
  bases = [
    ...validPictures().filter(({ bytes }) => bytes.length < 20_000),
    ...odd.filter((_, index) => index % 9 === 0),
    { name: "webp", bytes: Uint8Array.from(webp) },
    { name: "avif", bytes: Uint8Array.from(avif) },
  ];
});

describe("header and decoder", () => {
  test("read one orientation, wherever EXIF stands and whatever it holds", async () => {
    expect(odd.length).toBeGreaterThan(280);
    for (const { name, bytes } of odd) {
      const header = readImageHeader(bytes);
      const orientation = header.ok ? header.value.orientation : header.refusal;
      const word = await decodersWord(bytes);
      expect(orientation, name).toBe(word?.orientation);
    }
  });

  test("see one picture: the function turns it by what was priced, pixel for pixel", async () => {
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8])
      for (const type of ["jpeg", "png", "webp"] as const) {
        const file = await corners().withMetadata({ orientation }).toFormat(type).toBuffer();
        const seen = bytesOf(await turned(file, orientation));
        expect(await decodedBytes(file, null), `${type} ${orientation}`).toEqual(seen);
        // Not by what the file says: the order decides.
        const other = (orientation % 8) + 1;
        const priced = { width: 24, height: 16, orientation: other };
        expect(await decodedBytes(file, [priced])).toEqual(bytesOf(await turned(file, other)));
      }
  });

  test("give a GIF one size, however its screen and its first frame lie", async () => {
    const habits = [0, 1, 2, 640, 480, 512, 800, 600, 1024, 768, 2047, 2048, 2049, 65_535];
    const side = fc.oneof(fc.constantFrom(...habits), fc.integer({ min: 0, max: 80 }));
    const frame = fc.record({ left: side, top: side, width: side, height: side });
    const rectangles = fc.array(frame, { minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(side, side, rectangles, async (width, height, frames) => {
        const bytes = gifOf(width, height, frames);
        const word = await decodersWord(bytes);
        const header = readImageHeader(bytes);
        if (word !== undefined) expect(header.ok && header.value).toMatchObject(word);
        await hold(bytes, `${width}x${height} ${JSON.stringify(frames)}`);
      }),
      { seed: 9, numRuns: 400 },
    );
  });

  test("read one orientation of random EXIF at random places", async () => {
    const [png, webp] = [await corners().png().toBuffer(), await corners().webp().toBuffer()];
    const entry = fc.record({
      tag: fc.constantFrom(0x0112, 0x0112, 0x0110),
      type: fc.integer({ min: 0, max: 14 }),
      count: fc.constantFrom(0, 1, 1, 1, 2, 4, 9, 10, 0xffff),
      value: fc.integer({ min: 0, max: 10 }),
    });
    const structure = fc.record({
      order: fc.constantFrom("little" as const, "big" as const),
      directory: fc.constantFrom(8, 8, 8, 9, 10, 0, 500),
      entries: fc.array(entry, { maxLength: 4 }),
      count: fc.integer({ min: 0, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(structure, fc.nat(3), fc.boolean(), async (shape, place, isPng) => {
        const body = tiff(shape);
        const bytes = isPng ? inPng(png, body, place) : inWebp(webp, body, place);
        const word = await decodersWord(bytes);
        const header = readImageHeader(bytes);
        if (word !== undefined) expect(header.ok && header.value).toMatchObject(word);
      }),
      { seed: 9, numRuns: 400 },
    );
  });

  test("see one picture in damaged files, or the file is refused", async () => {
    const edit = fc.record({ at: fc.nat(), value: fc.nat(255), isNearStart: fc.boolean() });
    const damage = fc.record({
      file: fc.nat(),
      edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
      cut: seldom(fc.nat()),
      insert: seldom(fc.uint8Array({ minLength: 1, maxLength: 20 })),
    });
    const fates: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, edits, cut, insert }) => {
        const { name, bytes: whole } = bases[file % bases.length] ?? { name: "", bytes: [] };
        let bytes = Uint8Array.from(whole);
        for (const { at, value, isNearStart } of edits)
          bytes[at % Math.min(bytes.length, isNearStart ? 200 : bytes.length)] = value;
        const place = (edits[0]?.at ?? 0) % bytes.length;
        if (insert !== null)
          bytes = concat(bytes.subarray(0, place), insert, bytes.subarray(place)) as typeof bytes;
        if (cut !== null) bytes = bytes.subarray(0, cut % bytes.length);
        const fate = await hold(bytes, name);
        fates[fate] = (fates[fate] ?? 0) + 1;
      }),
      { seed: 9, numRuns: 1_500 },
    );
    // The damage is of every kind: else this holds nothing.
    for (const fate of ["priced away", "decoded", "refused"])
      expect(fates[fate], fate).toBeGreaterThan(100);
  });
});

/** Mostly null, so that much damaged is still decoded. */
function seldom<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function gifOf(width: number, height: number, frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  const little = (value: number): number[] => [value & 255, value >> 8];
  const table = [0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0];
  return Uint8Array.from([
    ...Buffer.from("GIF89a"),
    ...little(width),
    ...little(height),
    ...[0x81, 0, 0, ...table],
    ...frames.flatMap((frame) => [
      0x2c,
      ...[frame.left, frame.top, frame.width, frame.height].flatMap(little),
      ...[0, 2, 2, 0x4c, 1, 0],
    ]),
    0x3b,
  ]);
}

/** Before or behind the pixels, or twice. */
function inPng(plain: Uint8Array, body: Uint8Array, place: number): Uint8Array {
  const chunk = pngChunk("eXIf", body);
  const at = place % 2 === 0 ? 33 : plain.length - 12;
  const other = place >= 2 ? pngChunk("eXIf", tiff({ entries: [{ value: 8 }] })) : [];
  return concat(plain.subarray(0, at), chunk, other, plain.subarray(at));
}

/** Before or behind the pixels, announced or not. */
function inWebp(plain: Uint8Array, body: Uint8Array, place: number): Uint8Array {
  const flags = place >= 2 ? 8 : 0;
  const extended = riffChunk("VP8X", Uint8Array.of(flags, 0, 0, 0, 23, 0, 0, 15, 0, 0));
  const [chunk, pixels] = [riffChunk("EXIF", body), plain.subarray(12)];
  const chunks = place % 2 === 0 ? [chunk, pixels] : [pixels, chunk];
  const container = concat([0x57, 0x45, 0x42, 0x50], extended, ...chunks);
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, container.length, true);
  return concat([0x52, 0x49, 0x46, 0x46], size, container);
}
