import { expect, test } from "vitest";
import { resizeBicubic } from "#model/image/resize.ts";
import { resizeKernel } from "#model/image/resize-kernel.ts";
import wasmUrl from "../../wasm/resize.wasm?url";
import vectorsUrl from "../fixtures/reference/resize/bicubic_u8.safetensors?url";
import index from "../fixtures/reference/resize/index.json";
import { randomPicture } from "../support/pictures.ts";
import { readTensorFile } from "../support/tensor-file.ts";

const resize = resizeKernel(await bytesAt(wasmUrl));
const vectors = readTensorFile(await bytesAt(vectorsUrl));

test.each(index.cases)(
  "in a browser the kernel gives Pillow's bytes for $in_wh to $out_wh",
  (row) => {
    const [width = 0, height = 0] = row.in_wh;
    const [targetWidth = 0, targetHeight = 0] = row.out_wh;
    const pixelsHWC = Uint8Array.from(vectors.get(`in${row.k}`)?.data ?? []);
    const resized = resize({ width, height, pixelsHWC }, targetWidth, targetHeight);
    expect(resized.pixelsHWC).toEqual(vectors.get(`out${row.k}`)?.data);
  },
);

test.each([
  [97, 61, 32, 48],
  [31, 7, 90, 101],
  [1200, 800, 384, 384],
])("in a browser the kernel gives its twin's bytes for %d by %d to %d by %d", (...sizes) => {
  const [fromWidth, fromHeight, width, height] = sizes;
  const picture = randomPicture(fromWidth, fromHeight, 3);
  const expected = resizeBicubic(picture, width, height);
  expect(resize(picture, width, height)).toEqual(expected);
});

async function bytesAt(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
