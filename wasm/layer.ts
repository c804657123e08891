// The parts of a decoder layer, one after another over rows that the caller lays out. ABI: README.md.

export { attend } from "./layer/attention";
export { multiplyQ4, packQ4 } from "./layer/q4";
export { quantiseSigned, quantiseSmall } from "./layer/quantise";
export { add, rmsNorm, rotate, swiGlu } from "./layer/rows";
export { multiplyW8, packW8 } from "./layer/w8";

/** First address that the caller may use, a multiple of 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
