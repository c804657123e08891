import type { Picture } from "#domain/tensor.ts";

/** Pixels as a decoder gives them: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; 8 bits, alpha not multiplied in. */
export interface DecodedPixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** [H, W, channels]. May be written to. */
  readonly data: Uint8Array;
}

/**
 * Turns decoded pixels into RGB. A transparent picture is laid on white, or on black where it is bright itself: so that a
 * drawing on nothing stays to be seen, whichever way round it was drawn.
 *
 * Bright: the mean luminance of its pixels, each weighted by its alpha, is above one half. Luminance is that of Rec. 709 on
 * the stored (gamma-coded sRGB) levels in 1/256: (54 R + 183 G + 19 B) / 256. A picture of nothing lies on white. Every
 * pixel is (alpha × level + (255 − alpha) × backdrop) / 255, rounded. All in whole numbers: equal pixels, equal result.
 */
export function onBackdrop({ width, height, channels, data }: DecodedPixels): Picture {
  switch (channels) {
    case 3:
      return { width, height, pixelsHWC: data };
    case 1:
      return { width, height, pixelsHWC: spread(data, width * height) };
    case 2:
    case 4: {
      const backdrop = isBright(data, channels) ? 0 : 255;
      return { width, height, pixelsHWC: blend(data, channels, backdrop) };
    }
    default:
      return channels satisfies never;
  }
}

function spread(grey: Uint8Array, pixels: number): Uint8Array {
  const pixelsHWC = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    pixelsHWC.fill(grey[pixel]!, pixel * 3, pixel * 3 + 3);
  }
  return pixelsHWC;
}

/** Sums stay exact: 64 million pixels of 255 × 255 × 256 are a tenth of what a double counts. */
function isBright(data: Uint8Array, channels: 2 | 4): boolean {
  let [light, weight] = [0, 0];
  for (let at = 0; at < data.length; at += channels) {
    const alpha = data[at + channels - 1]!;
    light += alpha * luminance(data, at, channels);
    weight += alpha;
  }
  return 2 * light > 255 * 256 * weight;
}

function luminance(data: Uint8Array, at: number, channels: 2 | 4): number {
  if (channels === 2) return 256 * data[at]!;
  return 54 * data[at]! + 183 * data[at + 1]! + 19 * data[at + 2]!;
}

/** Writes over the pixels that it has read, where three bytes take the place of four. */
function blend(data: Uint8Array, channels: 2 | 4, backdrop: number): Uint8Array {
  const pixels = data.length / channels;
  const pixelsHWC = channels === 4 ? data.subarray(0, pixels * 3) : new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = pixel * channels;
    const alpha = data[from + channels - 1]!;
    const beside = (255 - alpha) * backdrop;
    for (let channel = 0; channel < 3; channel++) {
      const level = data[channels === 4 ? from + channel : from]!;
      pixelsHWC[pixel * 3 + channel] = Math.round((alpha * level + beside) / 255);
    }
  }
  return pixelsHWC;
}
