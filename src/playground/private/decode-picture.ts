import { type DecodedPng, decode } from "fast-png";
import type { Failure } from "#domain/failure.ts";
import type { ImageHeader } from "#domain/image/header.ts";
import { judgeImages } from "#domain/image/judge.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { Picture } from "#domain/tensor.ts";
import { type DecodedPixels, onBackdrop } from "#model/image/backdrop.ts";

/**
 * Decodes pictures into upright 8-bit RGB, refusing what the service would refuse by their headers. PNG is read as the service reads it,
 * pixel by pixel, but for a colour profile inside of it, which is passed over. The browser decodes the other types, by decoders and colour
 * conversions of its own: single levels may be others than the service's, and so may a word of an answer.
 */
export async function decodePictures(
  files: readonly Uint8Array<ArrayBuffer>[],
): Promise<Result<Picture[], Failure>> {
  const headers = judgeImages(files);
  if (!headers.ok) return headers;
  const pictures: Picture[] = [];
  for (const [image, header] of headers.value.entries()) {
    const bytes = files[image];
    if (bytes === undefined) throw new Error(`picture ${image} has a header and no bytes`);
    const picture = await decodeOne(bytes, header);
    if (picture === undefined)
      return refuse({ kind: "image_unsupported", image, reason: "it is damaged" });
    pictures.push(picture);
  }
  return ok(pictures);
}

async function decodeOne(
  bytes: Uint8Array<ArrayBuffer>,
  { type, orientation }: ImageHeader,
): Promise<Picture | undefined> {
  const pixels = isReadHere(bytes, type) ? pngPixels(bytes) : await browserPixels(bytes);
  return pixels === undefined ? undefined : onBackdrop(turned(pixels, orientation));
}

/** PNG, but for interlaced ones of less than a byte a sample, which the library does not read. Source: PNG 3rd edition §11.2.1, IHDR. */
function isReadHere(bytes: Uint8Array, type: ImageHeader["type"]): boolean {
  const [depth = 0, isInterlaced] = [bytes[24], bytes[28] === 1];
  return type === "png" && !(isInterlaced && depth < 8);
}

function pngPixels(bytes: Uint8Array<ArrayBuffer>): DecodedPixels | undefined {
  try {
    const png = decode(bytes, { checkCrc: true });
    const { width, height, channels } = png.palette === undefined ? png : { ...png, channels: 4 };
    if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) return undefined;
    if (png.palette !== undefined) return paletted(png, png.palette);
    const data = inBytes(png);
    const clear = png.transparency;
    return clear === undefined || channels === 2 || channels === 4
      ? { width, height, channels, data }
      : withAlpha({ width, height, channels, data }, png, clear);
  } catch {
    return undefined;
  }
}

/** Levels as bytes: 16 bits are cut to 8, fewer are spread over 0 … 255. */
function inBytes({ data, depth, width, height, channels }: DecodedPng): Uint8Array {
  if (data instanceof Uint16Array) return Uint8Array.from(data, (level) => level >> 8);
  if (depth >= 8) return Uint8Array.from(data);
  const step = 255 / (2 ** depth - 1);
  return samplesOf(data, depth, width * channels, height).map((level) => level * step);
}

/** Unpacks samples of less than a byte; each row begins with a byte of its own. */
function samplesOf(
  data: ArrayLike<number>,
  depth: number,
  rowSamples: number,
  rows: number,
): Uint8Array {
  const samples = new Uint8Array(rowSamples * rows);
  const rowBytes = Math.ceil((rowSamples * depth) / 8);
  const mask = 2 ** depth - 1;
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < rowSamples; at++) {
      const bit = at * depth;
      const byte = data[row * rowBytes + (bit >> 3)] ?? 0;
      samples[row * rowSamples + at] = (byte >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return samples;
}

function paletted(
  { data, depth, width, height }: DecodedPng,
  palette: readonly (readonly number[])[],
): DecodedPixels {
  const indices = depth === 8 ? data : samplesOf(data, depth, width, height);
  const isClear = palette.some((colour) => (colour[3] ?? 255) !== 255);
  const channels = isClear ? 4 : 3;
  const pixels = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const colour = palette[indices[pixel] ?? 0] ?? [];
    for (let channel = 0; channel < channels; channel++)
      pixels[pixel * channels + channel] = colour[channel] ?? (channel === 3 ? 255 : 0);
  }
  return { width, height, channels, data: pixels };
}

/** One grey or colour of the file stands for nothing (`tRNS`). */
function withAlpha(
  { width, height, channels, data }: DecodedPixels & { readonly channels: 1 | 3 },
  png: DecodedPng,
  clear: Uint16Array,
): DecodedPixels {
  const levels =
    png.depth < 8 ? samplesOf(png.data, png.depth, width * channels, height) : png.data;
  const withA = channels === 1 ? 2 : 4;
  const pixels = new Uint8Array(width * height * withA);
  for (let pixel = 0; pixel < width * height; pixel++) {
    let isClear = true;
    for (let channel = 0; channel < channels; channel++) {
      const at = pixel * channels + channel;
      pixels[pixel * withA + channel] = data[at] ?? 0;
      if (levels[at] !== clear[channel]) isClear = false;
    }
    pixels[pixel * withA + channels] = isClear ? 0 : 255;
  }
  return { width, height, channels: withA, data: pixels };
}

/** Pixels as the browser decodes them, as they are stored: the orientation is applied by us. */
async function browserPixels(bytes: Uint8Array<ArrayBuffer>): Promise<DecodedPixels | undefined> {
  try {
    const bitmap = await createImageBitmap(new Blob([bytes]), {
      imageOrientation: "none",
      premultiplyAlpha: "none",
    });
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context?.drawImage(bitmap, 0, 0);
    bitmap.close();
    const data = context?.getImageData(0, 0, width, height).data;
    if (data === undefined) return undefined;
    return { width, height, channels: 4, data: new Uint8Array(data.buffer) };
  } catch {
    return undefined;
  }
}

/** Turns pixels as an EXIF orientation says. Source: EXIF 2.32 §4.6.4, Orientation. */
function turned(pixels: DecodedPixels, orientation: number): DecodedPixels {
  if (orientation <= 1) return pixels;
  const { width, height, channels, data } = pixels;
  const [wide, high] = orientation >= 5 ? [height, width] : [width, height];
  const target = new Uint8Array(data.length);
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const [fromX, fromY] = storedAt(orientation, x, y, width, height);
      const from = (fromY * width + fromX) * channels;
      target.set(data.subarray(from, from + channels), (y * wide + x) * channels);
    }
  }
  return { width: wide, height: high, channels, data: target };
}

/** Where the upright pixel (x, y) is stored. */
function storedAt(
  orientation: number,
  x: number,
  y: number,
  width: number,
  height: number,
): readonly [x: number, y: number] {
  const [right, bottom] = [width - 1, height - 1];
  switch (orientation) {
    case 2:
      return [right - x, y];
    case 3:
      return [right - x, bottom - y];
    case 4:
      return [x, bottom - y];
    case 5:
      return [y, x];
    case 6:
      return [y, bottom - x];
    case 7:
      return [right - y, bottom - x];
    case 8:
      return [right - y, x];
    default:
      return [x, y];
  }
}
