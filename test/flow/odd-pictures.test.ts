import { readFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { viewVectors } from "#domain/architecture.ts";
import type { Failure } from "#domain/failure.ts";
import { problemOf } from "#wire/error.ts";
import { options } from "../support/edge-builders.ts";
import { ascii, concat, gif, jpeg, png, webp } from "../support/image-files.ts";
import { type Ending, type JoinedHalves, joinHalves } from "../support/joined-halves.ts";

// From the price to the last token: the edge's half and the function's, with the model that ships.

let halves: JoinedHalves;
beforeAll(async () => {
  halves = await joinHalves();
});
afterAll(() => halves.dispose());
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(globalThis, "fetch").mockImplementation(halves.fetch);
});
afterEach(() => vi.restoreAllMocks());

function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(path.join("test/fixtures/odd-pictures", name)));
}

async function ask(...images: Uint8Array[]): Promise<Ending> {
  return await halves.ask({
    messages: [{ role: "user", text: "What is this?" }],
    images,
    options: options({ canvas: 4, steps: 1, blockLength: 4 }),
  });
}

/** What ended a question without an answer, wherever that was noticed; none of it may be tried again or cost anything. */
async function refusalOf(...images: Uint8Array[]): Promise<{ code: string; detail: string }> {
  const ending = await ask(...images);
  const last = ending.kind === "answered" ? ending.events.at(-1) : undefined;
  const failure: Failure | undefined =
    ending.kind === "refused"
      ? ending.failure
      : last?.kind === "answer.failed"
        ? last.failure
        : undefined;
  if (failure === undefined) throw new Error("it was answered");
  const problem = problemOf(failure, { requestId: "req_1", instance: "/v1/answers" });
  expect(problem).toMatchObject({ status: 422, retryable: false, charged_micros: 0 });
  expect(halves.faults).toEqual([]);
  return problem;
}

async function vectorsOf(...images: Uint8Array[]): Promise<{ quoted: number; used: number }> {
  const ending = await ask(...images);
  if (ending.kind === "refused") throw new Error(JSON.stringify(ending.failure));
  const last = ending.events.at(-1);
  if (last?.kind !== "answer.completed") throw new Error(JSON.stringify(last));
  return { quoted: ending.quotedVectors, used: last.usage.imageVectors };
}

describe("an odd picture is answered, and its quote is its work:", () => {
  test.each([
    "14142x1.png",
    "extraneous-18-bytes-before-dqt.jpg",
    "no-eoi.jpg",
    "black-drawing-on-transparent.png",
    "avif.avif",
    "tiny-640.gif",
    "thin-16384x16.png",
  ])("%s", async (name) => {
    const { quoted, used } = await vectorsOf(file(name));
    expect(used).toBe(quoted);
  });

  test("a GIF of a screen of 1 × 1 and a frame of 640 × 480 is priced as the PNG of that size", async () => {
    const flat = sharp({ create: { width: 640, height: 480, channels: 3, background: "red" } });
    const plain = new Uint8Array(await flat.png().toBuffer());
    expect(await vectorsOf(file("tiny-640.gif"))).toEqual(await vectorsOf(plain));
  });

  test("several pictures of the oddest shapes, each padded to one view", async () => {
    const { image } = halves.card;
    if (image === null) throw new Error("the demo model sees");
    const patches = viewVectors(image.vision) + 1;
    const two = await vectorsOf(file("14142x1.png"), file("thin-16384x16.png"));
    expect(two).toEqual({ quoted: 2 * patches, used: 2 * patches });
    const eight = [
      ...Array<string>(4).fill("14142x1.png"),
      ...Array<string>(4).fill("tiny-640.gif"),
    ];
    const ending = await halves.admit({
      messages: [{ role: "user", text: "Which?" }],
      images: eight.map(file),
      options: options({}),
    });
    expect(ending).toMatchObject({ value: { quote: { imageVectors: 8 * patches } } });
  });
});

describe("a picture that cannot be answered is refused when it is priced, by the limit that it breaks:", () => {
  test.each([
    [
      "its side",
      [file("wide-20000x400.jpg")],
      "Picture 1 has a side of 20000 pixels; 16384 are the most",
    ],
    [
      "its pixels",
      [concat(png(16_000, 16_000), new Uint8Array(100_000))],
      "Picture 1 has 256000000 pixels; 64000000 are the most",
    ],
    [
      "all pixels together",
      Array<Uint8Array>(3).fill(png(8_000, 8_000)),
      "The pictures up to picture 3 have 192000000 pixels together; 128000000 are the most",
    ],
    [
      "what its bytes can hold",
      [png(60_000, 60_000)],
      "Picture 1 claims 60000 × 60000 pixels, far more than its bytes can hold",
    ],
    [
      "a frame beyond its screen",
      [gif(1, 1, 1, [60_000, 60_000])],
      "Picture 1 claims 60000 × 60000 pixels",
    ],
    ["a GIF of several pictures", [gif(8, 8, 2)], "it is an animation"],
    [
      "a WebP of several pictures",
      [
        webp(8, 8, [
          ["ANMF", new Uint8Array(16)],
          ["ANMF", new Uint8Array(16)],
        ]),
      ],
      "it is an animation",
    ],
  ] as const)("%s", async (_, images, words) => {
    const priced = halves.admit({
      messages: [{ role: "user", text: "What is this?" }],
      images,
      options: options({}),
    });
    expect(priced.ok).toBe(false);
    expect((await refusalOf(...images)).detail).toContain(words);
  });
});

describe("a file of another format is refused by its name, with what to do:", () => {
  const brand = (name: string): Uint8Array =>
    concat([0, 0, 0, 24], ascii(`ftyp${name}\0\0\0\0mif1heic`));
  test.each([
    ["TIFF", ascii("II*\0\x08\0\0\0"), "a TIFF"],
    ["big-endian TIFF", ascii("MM\0*\0\0\0\x08"), "a TIFF"],
    ["BMP", concat(ascii("BM"), new Uint8Array(60)), "a BMP picture"],
    ["JPEG XL, bare", concat([0xff, 0x0a], new Uint8Array(20)), "a JPEG XL picture"],
    ["JPEG XL, boxed", ascii("\0\0\0\x0cJXL \r\n\x87\n"), "a JPEG XL picture"],
    ["JPEG 2000", ascii("\0\0\0\x0cjP  \r\n\x87\n"), "a JPEG 2000 picture"],
    ["PDF", ascii("%PDF-1.7\n%%EOF"), "a PDF document; export the page"],
    [
      "SVG",
      ascii("\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><!-- b -->\n<svg xmlns=''/>"),
      "an SVG drawing; export it as PNG",
    ],
    ["a web page", ascii("\n<!DOCTYPE html><html></html>"), "a web page; send the picture itself"],
    ["an icon", ascii("\0\0\x01\0\x01\0"), "an icon"],
    ["Photoshop", ascii("8BPS\0\x01"), "a Photoshop document"],
    ["MP4", brand("isom"), "a video"],
    ["WebM", ascii("\x1aE\xdf\xa3\x01\0\0\0"), "a video"],
    ["ZIP", ascii("PK\x03\x04\x14\0"), "a packed archive"],
    ["anything else", ascii("hello, world"), "no JPEG, PNG, WebP, GIF or AVIF"],
  ])("%s", async (_, bytes, words) => {
    const { code, detail } = await refusalOf(bytes);
    expect(code).toBe("image_unsupported");
    expect(detail).toContain(words);
  });

  test.each([
    ["HEIC", brand("heic")],
    ["a HEIC sequence", brand("hevc")],
    ["HEIF of a general brand", brand("mif1")],
  ])("%s has a code of its own: it is what phones send", async (_, bytes) => {
    const { code, detail } = await refusalOf(bytes);
    expect(code).toBe("image_heic");
    expect(detail).toMatch(/^Picture 1 is HEIC.* Send it as JPEG/);
  });

  test("comments without end cost no time", async () => {
    const comments = ascii("<!---->".repeat(200));
    expect((await refusalOf(comments)).detail).toContain("no JPEG");
  });
});

describe("what only the decoder can see is refused, for nothing and for good:", () => {
  test.each([
    ["a JPEG without pixels", jpeg(8, 8)],
    ["a PNG without pixels", png(8, 8)],
    ["half an AVIF", file("avif.avif").subarray(0, 1_500)],
    [
      "a GIF whose pixels are no code",
      gif(8, 8, 1).map((byte, at, all) => (at > all.length - 5 ? 0x3b : byte)),
    ],
  ])("%s", async (_, bytes) => {
    expect((await refusalOf(bytes)).code).toMatch(/^image_(unsupported|truncated)$/);
  });
});
