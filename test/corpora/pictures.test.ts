import { describe, expect, test } from "vitest";
import { readImageHeader } from "#domain/image/header.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { corpus, damaged, validPictures } from "../support/corpora.ts";
import { forgeries, type NamedFile } from "../support/forgeries.ts";

/** Decodes a file that nobody promises anything about: `ok`, or the kind of the refusal. What is thrown is a failure of the test. */
async function fate({ name, bytes }: NamedFile): Promise<string> {
  try {
    const decoded = await decodeImages([bytes]);
    if (!decoded.ok) return decoded.refusal.kind;
    const [picture] = decoded.value;
    expect(picture?.pixelsHWC.length).toBe((picture?.width ?? 0) * (picture?.height ?? 0) * 3);
    return "ok";
  } catch (cause) {
    throw new Error(`${name} broke the decoder`, { cause });
  }
}

async function fates(files: readonly NamedFile[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of files) found[file.name] = await fate(file);
  return found;
}

const refusals = /^image_(unsupported|truncated|too_large|bomb)$/;

describe("pictures of the corpora", () => {
  test("are all decoded, to the size of their header", async () => {
    for (const file of validPictures()) {
      const header = readImageHeader(file.bytes);
      const decoded = await decodeImages([file.bytes]);
      if (!header.ok || !decoded.ok) throw new Error(`${file.name} was refused`);
      const { width, height } = header.value;
      expect(decoded.value[0], file.name).toMatchObject({ width, height });
    }
  });

  test("that are invalid are refused by name, or read as far as they show the whole picture", async () => {
    const found = await fates([...corpus("png-invalid"), ...corpus("jpeg-invalid")]);
    expect(found).toEqual({
      "png-invalid/invalid-crc32.png": "ok",
      "png-invalid/invalid-noend.png": "ok",
      "png-invalid/invalid-palette.png": "ok",
      "png-invalid/invalid-trunc.png": "ok",
      "png-invalid/invalid-zlib.png": "image_unsupported",
      "jpeg-invalid/video-001.progressive.truncated.jpeg": "ok",
    });
  });

  test("that are cut off or garbled are decoded or refused, and never break the decoder", async () => {
    const found = await fates(validPictures().flatMap(damaged));
    for (const [name, outcome] of Object.entries(found))
      expect(outcome === "ok" || refusals.test(outcome), `${name}: ${outcome}`).toBe(true);
    const cut = Object.entries(found).filter(([name]) => name.includes("cut at"));
    // What comes in passes, coarse before fine, may show the whole picture before it is cut.
    const inPasses = /interlaced|progressive/;
    const read = cut.filter(([name, outcome]) => outcome === "ok" && !inPasses.test(name));
    expect(read).toEqual([]);
  });

  test("with bytes behind their end are decoded all the same", async () => {
    const trailing = validPictures().map(({ name, bytes }) => ({
      name: `${name} with a tail`,
      bytes: Uint8Array.from([...bytes, ...new Uint8Array(1000)]),
    }));
    expect(new Set(Object.values(await fates(trailing)))).toEqual(new Set(["ok"]));
  });

  test("whose sides are swapped are decoded or refused", async () => {
    const swapped = corpus("png").map(({ name, bytes }) => {
      const forged = Uint8Array.from(bytes);
      forged.set(bytes.subarray(20, 24), 16);
      forged.set(bytes.subarray(16, 20), 20);
      return { name: `${name} swapped`, bytes: forged };
    });
    for (const outcome of Object.values(await fates(swapped)))
      expect(outcome).toMatch(/^(ok|image_unsupported|image_truncated)$/);
  });
});

describe("files that are no pictures", () => {
  test("are all refused by name", async () => {
    for (const [name, outcome] of Object.entries(await fates(forgeries())))
      expect(outcome, name).toMatch(refusals);
  });
});
