import { readFileSync } from "node:fs";
import sharp from "sharp";
import { expect, test } from "vitest";
import { thumbnail } from "#inference/thumbnail.ts";

test("a thumbnail is upright, no larger than it may be, and never larger than its picture", async () => {
  const lying = await sharp({
    create: { width: 400, height: 100, channels: 3, background: "red" },
  })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  expect(await thumbnail(lying, 200)).toMatchObject({ width: 50, height: 200 });
  const small = readFileSync("test/fixtures/demo-eval/000.png");
  const { width } = await sharp(small).metadata();
  expect(await thumbnail(small, 4096)).toMatchObject({ width });
});

test("of a file that is no picture there is none", async () => {
  expect(await thumbnail(Uint8Array.of(1, 2, 3), 200)).toBeUndefined();
});
