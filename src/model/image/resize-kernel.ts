import type { Mat } from "#domain/image/layout.ts";
import type { Picture } from "#domain/tensor.ts";
import { checkResize, MAT_LEVEL, matOf } from "./resize.ts";

/**
 * Wraps the compiled kernel `wasm/resize.ts` as a function that gives the same bytes as `resizeBicubic`, its plain twin.
 * `wasm` is the binary as it lies in a file. Throws RangeError for sizes that the kernel does not take.
 *
 * Every call runs in an instance of its own: no picture stays behind in memory that another request will use, and the
 * memory of a large one goes back. An instance costs some 50 µs, a picture milliseconds.
 */
export function resizeKernel(
  wasm: Uint8Array<ArrayBuffer>,
): (picture: Picture, width: number, height: number, mat?: Mat) => Picture {
  const module = new WebAssembly.Module(wasm);
  return (picture, width, height, mat = matOf(picture)) => {
    const { width: sourceWidth, height: sourceHeight, pixelsHWC } = picture;
    checkSize(sourceWidth, sourceHeight);
    checkSize(width, height);
    checkResize(picture, { width, height }, mat);
    const kernel = instantiate(module);
    kernel.setMat(mat.width, mat.height, mat.left, mat.top, MAT_LEVEL);
    const scratchBytes = kernel.scratchBytes(sourceWidth, sourceHeight, width, height);
    const targetBytes = width * height * 3;
    const source = kernel.heapBase();
    const target = aligned(source + pixelsHWC.length + SLACK_BYTES);
    const scratch = aligned(target + targetBytes + SLACK_BYTES);
    grow(kernel.memory, scratch + scratchBytes);
    new Uint8Array(kernel.memory.buffer).set(pixelsHWC, source);
    kernel.resizeBicubic(source, sourceWidth, sourceHeight, target, width, height, scratch);
    return {
      width,
      height,
      pixelsHWC: new Uint8Array(kernel.memory.buffer).slice(target, target + targetBytes),
    };
  };
}

/** The ABI: wasm/README.md. Addresses and sizes are in bytes. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  setMat(width: number, height: number, left: number, top: number, level: number): void;
  scratchBytes(
    sourceWidth: number,
    sourceHeight: number,
    targetWidth: number,
    targetHeight: number,
  ): number;
  resizeBicubic(
    source: number,
    sourceWidth: number,
    sourceHeight: number,
    target: number,
    targetWidth: number,
    targetHeight: number,
    scratch: number,
  ): void;
}

/** What the kernel may touch behind a buffer's end. */
const SLACK_BYTES = 16;

const PAGE_BYTES = 65_536;

/**
 * Largest picture in pixels, source or target. Threat: 32-bit addresses that wrap around. Source, target and what lies
 * between the passes take 3 bytes a pixel each, together under 2 GiB; the service refuses far smaller ones.
 */
const MAX_KERNEL_PIXELS = 200_000_000;

function checkSize(width: number, height: number): void {
  if (!(width >= 1 && height >= 1 && width * height <= MAX_KERNEL_PIXELS)) {
    throw new RangeError(`the resize kernel takes no picture of ${width}x${height}`);
  }
}

function instantiate(module: WebAssembly.Module): Kernel {
  const { exports } = new WebAssembly.Instance(module);
  return exports as unknown as Kernel;
}

function aligned(address: number): number {
  return Math.ceil(address / 16) * 16;
}

function grow(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing > 0) memory.grow(missing);
}
