/** What `wasm/layer.ts` exports. ABI: wasm/README.md. Areas are addresses in bytes, of the instance's own memory. */
export interface LayerKernel {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  packQ4(source: Area, target: Area, inputs: number): void;
  packW8(source: Area, target: Area, block: number, outputs: number, inputs: number): void;
  quantiseSigned(
    source: Area,
    activations: Area,
    scales: Area,
    corrections: Area,
    rows: number,
    inputs: number,
  ): void;
  quantiseSmall(source: Area, activations: Area, scales: Area, rows: number, inputs: number): void;
  multiplyQ4(
    weights: Area,
    scales: Area,
    blocksPerScale: number,
    activations: Area,
    activationScales: Area,
    corrections: Area,
    target: Area,
    rows: number,
    outputs: number,
    inputs: number,
    stride: number,
  ): void;
  multiplyW8(
    weights: Area,
    scales: Area,
    activations: Area,
    activationScales: Area,
    target: Area,
    rows: number,
    outputs: number,
    inputs: number,
    stride: number,
  ): void;
  rmsNorm(
    source: Area,
    weights: Area,
    target: Area,
    rows: number,
    width: number,
    epsilon: number,
  ): void;
  rotate(
    vectors: Area,
    cosines: Area,
    sines: Area,
    rows: number,
    heads: number,
    size: number,
  ): void;
  swiGlu(gate: Area, up: Area, count: number): void;
  add(target: Area, source: Area, count: number): void;
  attend(
    query: Area,
    keys: Area,
    values: Area,
    mask: Area,
    scores: Area,
    target: Area,
    queries: number,
    length: number,
    size: number,
    scale: number,
  ): void;
}

/** An address in an instance's memory. */
export type Area = number;

/** The two builds of the kernel, which give the same bits. */
export interface LayerBinaries {
  readonly relaxed: Uint8Array<ArrayBuffer>;
  readonly plain: Uint8Array<ArrayBuffer>;
}

/** Compiles the build that this machine's WebAssembly takes: relaxed SIMD where there is it, which is three times as fast. */
export function compileLayerKernel({ relaxed, plain }: LayerBinaries): WebAssembly.Module {
  return new WebAssembly.Module(WebAssembly.validate(relaxed) ? relaxed : plain);
}

/** Bytes behind an area that kernels may touch, and the alignment of all areas. */
const STEP = 64;

const PAGE_BYTES = 65_536;

/** An instance of the kernel with memory that is handed out from its beginning on. */
export class Arena {
  readonly kernel: LayerKernel;
  #end: number;

  constructor(module: WebAssembly.Module) {
    this.kernel = new WebAssembly.Instance(module).exports as unknown as LayerKernel;
    this.#end = align(this.kernel.heapBase());
  }

  /** Where the next area will be; `release` takes it back. */
  get end(): Area {
    return this.#end;
  }

  /** Hands out an area. Throws RangeError where the machine has no memory left, or 4 GiB are used. */
  take(bytes: number): Area {
    const area = this.#end;
    this.#end = align(area + bytes);
    const { memory } = this.kernel;
    const missing = Math.ceil((this.#end - memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) memory.grow(missing);
    return area;
  }

  /** An area for so many float32. */
  takeFloats(count: number): Area {
    return this.take(count * Float32Array.BYTES_PER_ELEMENT);
  }

  /** Takes back all that was handed out from `end` on. */
  release(end: Area): void {
    this.#end = end;
  }

  /** The numbers at an area, until the next `take`. */
  floats(area: Area, count: number): Float32Array {
    return new Float32Array(this.kernel.memory.buffer, area, count);
  }

  /** The bytes at an area, until the next `take`. */
  bytes(area: Area, count: number): Uint8Array {
    return new Uint8Array(this.kernel.memory.buffer, area, count);
  }
}

function align(address: number): number {
  return Math.ceil(address / STEP) * STEP;
}
