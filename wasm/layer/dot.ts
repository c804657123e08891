// Products of 8-bit numbers. With relaxed SIMD one instruction each on current processors; what it leaves open, the sign of a
// second operand over 127, is never used. Without it the same bits in several instructions.

/** Of each pair of neighbours the sum of products with the pair of `small` (0 … 127), in 16 bits: lanes 2i and 2i + 1 give lane i. */
export function dotPairs(signed: v128, small: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(signed, small);
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(signed, small));
  const high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(signed, small));
  return i16x8.narrow_i32x4_s(low, high);
}

/**
 * `sum` and of each four neighbours the sum of products with the four of `small` (0 … 127), in 32 bits: lanes 4i to 4i + 3 go to lane i.
 * Not i32x4.relaxed_dot_i8x16_i7x16_add_s: without instructions for it V8 makes its constant anew each time.
 */
export function addDotFours(sum: v128, signed: v128, small: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(dotPairs(signed, small)));
}
