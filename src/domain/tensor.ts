/**
 * Letters of shapes, used in names (`pixelsHWC`, `featuresPD`) and in trailing comments everywhere:
 *
 *   B batch · N views of a picture · H height · W width · C channels (RGB) · P patches of a view · D width of a feature
 *   S positions of the whole sequence · M positions of one forward window · R rows asked of the head
 *   L canvas length (positions to fill) · V vocabulary columns
 */
export type Shape = readonly number[];

/** Dense row-major 32-bit floats. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Returns how many elements a shape holds. An empty shape is a scalar and holds one. */
export function elementCount(shape: Shape): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** Pairs data with its shape. Throws RangeError if the counts differ: a bug of the caller, never of a user. */
export function tensor(shape: Shape, data: Float32Array): Tensor {
  if (elementCount(shape) !== data.length) {
    throw new RangeError(
      `shape [${shape.join(", ")}] holds ${elementCount(shape)} elements, data has ${data.length}`,
    );
  }
  return { shape, data };
}

/** A colour picture as it comes from a decoder: 8-bit RGB, row-major, no alpha, no padding between rows. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixelsHWC: Uint8Array;
}
